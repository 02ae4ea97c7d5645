package mlflow

import "time"

// send is the goroutine that talks to the server: it opens the run, sends rows until End, then the end.
func (l *Logger) send() {
	defer close(l.done)
	well := l.insist(l.open)
	for well {
		rows, more := l.take()
		if !more {
			break
		}
		if well = l.insist(func() error { return l.post(rows) }); well {
			l.report.Sent += len(rows)
		} else {
			l.report.Lost += len(rows)
		}
	}
	if well {
		well = l.insist(l.close)
	} else {
		<-l.ending // until then Log fills the queue, and thins it
	}
	if well {
		l.report.Err = nil
	}
	l.report.Lost += l.lost + len(l.queue) + len(l.past)
}

// insist calls f until it succeeds, and reports whether it did. It gives up where the server refuses, and with the
// second failure after End.
func (l *Logger) insist(f func() error) bool {
	ended := false
	for wait := l.o.wait; ; wait = min(2*wait, longWait) {
		err := f()
		if err == nil {
			return true
		}
		l.report.Err = err
		if !l.noted {
			l.noted = true
			l.o.Note(err)
		}
		if ended || refused(err) || l.ctx.Err() != nil {
			return false
		}
		select {
		case <-time.After(wait):
		case <-l.ending:
			ended = true
		}
	}
}

// take returns the oldest rows, as many as fit in a request, waiting for some. Without any, after End, more is false.
func (l *Logger) take() (rows []Row, more bool) {
	if n := fitting(l.past); n > 0 {
		rows, l.past = l.past[:n], l.past[n:]
		return rows, true
	}
	for {
		l.mu.Lock()
		n := fitting(l.queue)
		rows = append(rows, l.queue[:n]...)
		l.queue = append(l.queue[:0], l.queue[n:]...)
		l.mu.Unlock()
		if n > 0 {
			return rows, true
		}
		select {
		case <-l.wake:
			continue
		default:
		}
		select {
		case <-l.wake:
		case <-l.ending:
			if len(l.wake) == 0 {
				return nil, false
			}
		}
	}
}

// fitting is the number of rows, from the first on, that fit in a request.
func fitting(rows []Row) int {
	metrics := 0
	for n, r := range rows {
		if metrics += len(r.Metrics); metrics > maxMetrics {
			return n
		}
	}
	return len(rows)
}

// open finds or makes the run. Called again after a failure, it does not repeat what succeeded.
func (l *Logger) open() error {
	if l.o.Run != "" {
		err := l.resume()
		if err == nil {
			return nil
		}
		if !isCode(err, "RESOURCE_DOES_NOT_EXIST") {
			return err
		}
		l.o.Run = ""
	}
	if l.experiment == "" {
		var err error
		if l.experiment, err = l.find(); err != nil {
			return err
		}
	}
	if l.run == "" {
		var made struct{ Run runAnswer }
		if err := l.api.post(l.ctx, "runs/create", create{l.experiment, l.o.Name, millis(l.o.Start), pairs(l.o.Tags)}, &made); err != nil {
			return err
		}
		l.run = made.Run.Info.RunID
		l.o.Created(l.run)
	}
	return l.api.post(l.ctx, "runs/log-batch", batch{RunID: l.run, Params: pairs(l.o.Params)}, nil)
}

// resume takes the run up again. A training resumed from a checkpoint repeats, bit for bit, rows that the server has.
func (l *Logger) resume() error {
	var found struct{ Run runAnswer }
	if err := l.api.get(l.ctx, "runs/get", "run_id", l.o.Run, &found); err != nil {
		return err
	}
	for _, m := range found.Run.Data.Metrics {
		l.seen[m.Key] = m.Step
	}
	l.run = l.o.Run
	return l.api.post(l.ctx, "runs/update", update{RunID: l.run, Status: "RUNNING"}, nil)
}

// find returns the id of the experiment, made if need be.
func (l *Logger) find() (string, error) {
	var found struct {
		Experiment struct {
			ID string `json:"experiment_id"`
		}
	}
	err := l.api.get(l.ctx, "experiments/get-by-name", "experiment_name", l.o.Experiment, &found)
	if err == nil || !isCode(err, "RESOURCE_DOES_NOT_EXIST") {
		return found.Experiment.ID, err
	}
	var made struct {
		ID string `json:"experiment_id"`
	}
	err = l.api.post(l.ctx, "experiments/create", map[string]string{"name": l.o.Experiment}, &made)
	if isCode(err, "RESOURCE_ALREADY_EXISTS") { // by another training, just now
		err = l.api.get(l.ctx, "experiments/get-by-name", "experiment_name", l.o.Experiment, &found)
		return found.Experiment.ID, err
	}
	return made.ID, err
}

// post sends rows, but for what the server has of them.
func (l *Logger) post(rows []Row) error {
	b := batch{RunID: l.run}
	for _, r := range rows {
		for _, m := range r.Metrics {
			if last, ok := l.seen[m.Key]; !ok || r.Step > last {
				b.Metrics = append(b.Metrics, metric{m.Key, m.Value, millis(r.Time), r.Step})
			}
		}
	}
	if len(b.Metrics) == 0 {
		return nil
	}
	return l.api.post(l.ctx, "runs/log-batch", b, nil)
}

// close tells how the run ended.
func (l *Logger) close() error {
	if err := l.api.post(l.ctx, "runs/log-batch", batch{RunID: l.run, Tags: pairs(l.tags)}, nil); err != nil {
		return err
	}
	l.final.RunID = l.run
	return l.api.post(l.ctx, "runs/update", l.final, nil)
}
