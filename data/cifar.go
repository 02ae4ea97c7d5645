package data

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sync"
)

// A record of CIFAR-10's binary files: a label, then the red, the green and the blue plane, each row by row.
const (
	cifarSide    = 32
	cifarPlane   = cifarSide * cifarSide
	cifarRecord  = 1 + 3*cifarPlane
	cifarClasses = 10
	cifarWhole   = 10000 // records in each file of the whole set
)

var cifarFiles = [...]string{
	"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin", // training
	"test_batch.bin",
}

// openCIFAR reads the six files straight into the two splits, a pixel's channels side by side.
func openCIFAR(d root) (*Set, error) {
	if err := d.complete(cifarFiles[:]); err != nil {
		return nil, err
	}
	records, err := d.countCIFAR()
	if err != nil {
		return nil, err
	}
	const test = len(cifarFiles) - 1
	total := 0
	for _, n := range records[:test] {
		total += n
	}
	s := &Set{Size: Size{cifarSide, cifarSide, 3}, Train: room(total, cifarRecord-1), Test: room(records[test], cifarRecord-1)}
	var faults [len(cifarFiles)]error
	var wg sync.WaitGroup
	at := 0
	for i, n := range records {
		to := s.Test
		if i < test {
			to = Split{Images: s.Train.Images[at*(cifarRecord-1):][:n*(cifarRecord-1)], Labels: s.Train.Labels[at:][:n]}
			at += n
		}
		wg.Go(func() {
			if err := d.readCIFAR(cifarFiles[i], to); err != nil {
				faults[i] = fmt.Errorf("data: %s: %w", path.Join(d.name, cifarFiles[i]), err)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(faults[:]...); err != nil {
		return nil, err
	}
	training, testing := path.Join(d.name, cifarFiles[0]), path.Join(d.name, cifarFiles[test])
	if err := s.complete([4]string{training, training, testing, testing}); err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	return s, nil
}

// room returns a split for n images of so many bytes.
func room(n, bytes int) Split { return Split{Images: make([]byte, n*bytes), Labels: make([]uint8, n)} }

// countCIFAR returns the number of records in each file, by its size.
func (d root) countCIFAR() (records [len(cifarFiles)]int, err error) {
	var faults []error
	fault := func(i int, format string, args ...any) {
		faults = append(faults, fmt.Errorf("data: %s: %w", path.Join(d.name, cifarFiles[i]), fmt.Errorf(format, args...)))
	}
	whole, bytes := -1, int64(0)
	for i, file := range cifarFiles {
		info, err := fs.Stat(d, file)
		switch {
		case err != nil:
			fault(i, "%w", bare(err))
			continue
		case !info.Mode().IsRegular():
			fault(i, "not a file")
			continue
		}
		size := info.Size()
		bytes += size
		if size == 0 || size%cifarRecord != 0 {
			fault(i, "%d bytes (accepted: whole records of %d bytes, at least one)", size, cifarRecord)
			continue
		}
		if records[i] = int(size / cifarRecord); records[i] == cifarWhole {
			whole = i
		}
	}
	for i, n := range records {
		if whole >= 0 && n > 0 && n != cifarWhole {
			fault(i, "%d records (accepted: %d, as in %s)", n, cifarWhole, cifarFiles[whole])
		}
	}
	if bytes > maxBytes {
		faults = append(faults, fmt.Errorf("data: %s: %d bytes in all (accepted: up to %d)", d.name, bytes, maxBytes))
	}
	return records, errors.Join(faults...)
}

// readCIFAR fills a split with the records of a file, exactly.
func (d root) readCIFAR(file string, to Split) error {
	f, err := d.Open(file)
	if err != nil {
		return bare(err)
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, bufferSize)
	var record [cifarRecord]byte
	for i := range to.Labels {
		if n, err := io.ReadFull(r, record[:]); err != nil {
			return fmt.Errorf("record %d of %d: %d of %d bytes could be read: %w", i, len(to.Labels), n, cifarRecord, cut(err))
		}
		if record[0] >= cifarClasses {
			return fmt.Errorf("record %d: label %d (accepted: 0 to %d)", i, record[0], cifarClasses-1)
		}
		to.Labels[i] = record[0]
		interleave(to.Image(i), record[1:])
	}
	return nil
}

// interleave stores the pixels of three planes, the channels of each side by side.
func interleave(dst, planes []byte) {
	n := len(planes) / 3
	for i := range n {
		dst[3*i], dst[3*i+1], dst[3*i+2] = planes[i], planes[n+i], planes[2*n+i]
	}
}
