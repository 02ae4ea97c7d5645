package main

import (
	"fmt"
	"sync"

	"github.com/settle-pc/settle/store"
)

// watchful is a draft that says so when it finds a damaged cell.
type watchful struct {
	*store.Draft
	run *store.Run
	say func(string)

	mu   sync.Mutex
	said int
}

// Done is the draft's, with a word about damage.
func (w *watchful) Done(cell string) ([]byte, bool) {
	result, ok := w.Draft.Done(cell)
	if !ok {
		w.mu.Lock()
		defer w.mu.Unlock()
		damaged := w.run.Damaged()
		for _, name := range damaged[w.said:] {
			w.say(fmt.Sprintf("cell %s is damaged (cut short or changed): it is computed again", name))
		}
		w.said = len(damaged)
	}
	return result, ok
}
