package web

import (
	"bufio"
	"io"
	"strings"
)

// events reads server-sent events.
type events struct{ r *bufio.Reader }

func newEvents(r io.Reader) *events { return &events{bufio.NewReader(r)} }

// next returns the next event that has data.
func (e *events) next() (event string, data []byte, err error) {
	for {
		line, err := e.r.ReadString('\n')
		if err != nil {
			return event, data, err
		}
		line = strings.TrimSuffix(line, "\n")
		if v, ok := strings.CutPrefix(line, "event: "); ok {
			event = v
		}
		if v, ok := strings.CutPrefix(line, "data: "); ok {
			data = append(data, v...)
		}
		if line == "" && data != nil {
			return event, data, nil
		}
	}
}
