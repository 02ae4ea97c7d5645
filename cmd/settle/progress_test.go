package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestTimeLeftIsOfWorkDoneNow: of 100 units at one a second, whether all of it is new or 90 were found done.
func TestTimeLeftIsOfWorkDoneNow(t *testing.T) {
	for name, first := range map[string]float64{"new": 0, "gone on with": 90} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			a := &app{err: &out}
			p := a.progress("work", first+100)
			p.set(first, "")
			for i := range 40 {
				time.Sleep(time.Second)
				p.set(first+float64(i+1), "")
			}
			if lines := strings.Split(out.String(), "\n"); len(lines) < 3 || !strings.Contains(lines[0], " 1m25s left") || !strings.Contains(lines[1], " 1m10s left") {
				t.Errorf("%s: it says %q", name, out.String())
			}
		})
	}
}
