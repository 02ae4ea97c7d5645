package web

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// mostClients is the number of event streams at once.
const mostClients = 512

// Times of an event stream. With many clients each hears less often, so that following costs a training little.
const (
	eventTime  = 80 * time.Millisecond // between two events to a client, at least
	clientTime = 3 * time.Millisecond  // for each client
	aliveTime  = 15 * time.Second      // between signs of life
	stuckTime  = 10 * time.Second      // after which a client that takes nothing is dropped
)

// stream is one client's events. All trainings come on one, since browsers open few connections to a server.
type stream struct {
	live *live
	w    http.ResponseWriter
	out  *http.ResponseController
	at   map[int]*cursor // by training
}

// events streams the news of all trainings until the client goes. Its query may say up to which batches it knows them:
// at=1:120,2:40.
func (v *live) events(w http.ResponseWriter, r *http.Request) {
	if n := v.clients.Add(1); n > mostClients {
		v.clients.Add(-1)
		refuse(w, http.StatusServiceUnavailable, "%d clients follow trainings, as many as may at once", mostClients)
		return
	}
	defer v.clients.Add(-1)
	s := &stream{live: v, w: w, out: http.NewResponseController(w), at: map[int]*cursor{}}
	for _, known := range strings.Split(r.URL.Query().Get("at"), ",") {
		name, batch, _ := strings.Cut(known, ":")
		id, err := strconv.Atoi(name)
		b, err2 := strconv.Atoi(batch)
		if err == nil && err2 == nil {
			s.at[id] = &cursor{batch: b, version: -1}
		}
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	// The request has been read; what bounds the time of others' reading would end this one.
	if err := s.out.SetReadDeadline(time.Time{}); err != nil {
		return
	}
	if !s.write(": welcome\n\n") {
		return
	}
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		changed := v.bell.wait() // before looking: what comes in between rings
		text, err := s.news()
		if err != nil || text != "" && !s.write(text) {
			return
		}
		if text != "" { // not at once again
			pause.Reset(max(eventTime, time.Duration(v.clients.Load())*clientTime))
			select {
			case <-pause.C:
			case <-r.Context().Done():
				return
			}
		}
		pause.Reset(aliveTime)
		select {
		case <-changed:
		case <-pause.C:
			if !s.write(": alive\n\n") {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}

// news returns an event for each training that has any, and for each that is gone.
func (s *stream) news() (string, error) {
	var b strings.Builder
	there := map[int]bool{}
	for _, t := range s.live.table() {
		there[t.ID] = true
		at := s.at[t.ID]
		first := at == nil || at.version < 0
		if at == nil {
			at = &cursor{version: -1}
			s.at[t.ID] = at
		}
		n, fresh := t.feed.since(at)
		if !fresh {
			continue
		}
		n.ID = t.ID
		if first {
			n.Spec = &t.Spec
		}
		text, err := n.encode()
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "data: %s\n\n", text)
	}
	for id := range s.at {
		if !there[id] {
			delete(s.at, id)
			fmt.Fprintf(&b, "event: gone\ndata: %d\n\n", id)
		}
	}
	return b.String(), nil
}

// write sends text and reports whether the client took it.
func (s *stream) write(text string) bool {
	if err := s.out.SetWriteDeadline(s.live.opts.Now().Add(stuckTime)); err != nil {
		return false
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return false
	}
	return s.out.Flush() == nil
}
