// Package tensorboard writes event files, which TensorBoard draws while they grow.
//
// A file is a sequence of records, and its name holds "tfevents" and sorts after those of older files in its folder:
//
//	8 bytes   n, the length of the data, little-endian
//	4 bytes   masked CRC-32C of those 8 bytes
//	n bytes   the data: a protocol buffer, Event
//	4 bytes   masked CRC-32C of the data
//
// TensorBoard keeps scalars in float32.
//
// Sources: TensorFlow, lib/io/record_writer.h, core/util/event.proto and core/framework/summary.proto; TensorBoard,
// plugins/hparams/plugin_data.proto.
package tensorboard

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Scalar is a point of a curve; a slash in the tag groups curves, as in train/mse.
type Scalar struct {
	Tag   string
	Value float64
}

// Writer writes one event file. It serves one goroutine. The first error of the file is returned by every later call.
type Writer struct {
	f       *os.File
	buf     *bufio.Writer
	flushed time.Time
	err     error
}

// flushEvery is how far what TensorBoard can see lags behind. It is counted on the times of the events.
const flushEvery = 2 * time.Second

// Written reports whether the folder dir holds event files.
func Written(dir string) bool {
	names, err := filepath.Glob(filepath.Join(dir, namePrefix+"*"))
	return err == nil && len(names) > 0
}

// Create starts a file in the folder dir, which is made if need be. TensorBoard drops what older files in it have for the
// step first and later ones: a training that is resumed, or started again, shows no point twice.
func Create(dir string, first int, now time.Time) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("tensorboard: %w", err)
	}
	f, err := create(dir, now)
	if err != nil {
		return nil, fmt.Errorf("tensorboard: %w", err)
	}
	w := &Writer{f: f, buf: bufio.NewWriterSize(f, 1<<16), flushed: now}
	w.write(event(now, 0).text(3, "brain.Event:2")) // file_version, without which TensorBoard guesses
	w.write(event(now, first).message(7, message{}.varint(1, sessionStart)))
	return w, w.Flush()
}

const (
	namePrefix = "events.out.tfevents."
	nameSuffix = ".settle"
)

// create makes the file. TensorBoard reads the files of a folder in the order of their names, so this one's time is put
// after those of all others even if the clock is not.
func create(dir string, now time.Time) (*os.File, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	stamp := now.Unix()
	for _, e := range entries {
		rest, ours := strings.CutPrefix(e.Name(), namePrefix)
		digits, _, _ := strings.Cut(rest, ".")
		if n, err := strconv.ParseInt(digits, 10, 64); ours && err == nil && n < 1e10 {
			stamp = max(stamp, n+1)
		}
	}
	for ; ; stamp++ {
		name := fmt.Sprintf("%s%010d%s", namePrefix, stamp, nameSuffix)
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue // another writer's, of this moment
		}
		return f, err
	}
}

// Scalars adds a point at the step to each curve.
func (w *Writer) Scalars(step int, now time.Time, points []Scalar) error {
	summary := message{}
	for _, p := range points {
		summary = summary.message(1, message{}.text(1, p.Tag).float(2, float32(p.Value)))
	}
	w.write(event(now, step).message(5, summary))
	if now.Sub(w.flushed) >= flushEvery {
		w.flushed = now
		return w.Flush()
	}
	return w.err
}

// write appends one record.
func (w *Writer) write(data message) {
	var head [12]byte
	binary.LittleEndian.PutUint64(head[:], uint64(len(data)))
	binary.LittleEndian.PutUint32(head[8:], masked(head[:8]))
	for _, part := range [][]byte{head[:], data, binary.LittleEndian.AppendUint32(nil, masked(data))} {
		if _, err := w.buf.Write(part); err != nil {
			w.keep(err)
		}
	}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is the checksum of a record, turned and shifted so that the checksum of data that holds checksums is sound.
func masked(b []byte) uint32 {
	c := crc32.Checksum(b, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

func (w *Writer) keep(err error) {
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("tensorboard: %w", err)
	}
}

// Flush hands all that was added to the system.
func (w *Writer) Flush() error {
	w.keep(w.buf.Flush())
	return w.err
}

// Sync puts all that was added on disk: what a checkpoint covers will not be added again after a power cut.
func (w *Writer) Sync() error {
	if w.Flush() == nil {
		w.keep(w.f.Sync())
	}
	return w.err
}

// Close flushes and ends the file.
func (w *Writer) Close() error {
	w.keep(w.buf.Flush())
	w.keep(w.f.Close())
	return w.err
}
