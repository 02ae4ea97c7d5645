// Package index finds runs: an SQLite database over the run directories below a folder, one row with a JSON document for
// each. It holds nothing that is not in the directories: it can be deleted at any time, and is made again when it is
// missing, damaged or of another version.
//
// A document has the scalars, and the objects of scalars, of spec.json and result.json under their names there (a result
// that repeats a key wins), and beside them:
//
//	run      path below the folder, with slashes
//	command  that made it
//	started  when, RFC 3339
//	state    finished, diverged, running (a sweep: while a trial is, too) or interrupted
//	tags     list of words (package store does not know them: WriteTags)
package index

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/settle-pc/settle/store"
)

// File is the database's name in the folder.
const File = "index.sqlite"

// version of the schema, and of what documents hold.
const version = 2

const schema = `
CREATE TABLE IF NOT EXISTS runs (
	path  TEXT PRIMARY KEY,
	mtime INTEGER NOT NULL, -- of the directory when it was read, ns; 0: read it again
	doc   BLOB NOT NULL     -- jsonb
);
CREATE TABLE IF NOT EXISTS keys (name TEXT PRIMARY KEY);`

// Index is an open index. It may be used by many goroutines, and by many processes, at once.
type Index struct {
	db   *sql.DB
	base string
}

// Open opens the index of the runs below base and brings it up to date at the time now, as Refresh does. Where base
// cannot be written the index is made in memory.
func Open(ctx context.Context, base string, now time.Time) (*Index, Change, error) {
	info, err := os.Stat(base)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is a file", base)
	}
	if err != nil {
		return nil, Change{}, fmt.Errorf("index: %w; want the folder that run directories are in", err)
	}
	path := filepath.Join(base, File)
	x, c, err := fresh(ctx, path, base, now)
	if err != nil && ctx.Err() == nil {
		// Damaged, of another version, or not to be written: all that it held can be read again.
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			path = memory
		}
		if x, c, err = fresh(ctx, path, base, now); err != nil && ctx.Err() == nil {
			x, c, err = fresh(ctx, memory, base, now)
		}
	}
	if err != nil {
		return nil, c, fmt.Errorf("index: %w", err)
	}
	return x, c, nil
}

const memory = ":memory:"

func fresh(ctx context.Context, path, base string, now time.Time) (*Index, Change, error) {
	x, err := open(path, base)
	if err != nil {
		return nil, Change{}, err
	}
	c, err := x.Refresh(ctx, now)
	if err != nil {
		return nil, c, errors.Join(err, x.Close())
	}
	return x, c, nil
}

func open(path, base string) (*Index, error) {
	where := "file:" + memory
	if path != memory {
		full, err := filepath.Abs(path)
		if err != nil {
			return nil, err
		}
		where = (&url.URL{Scheme: "file", Path: filepath.ToSlash(full)}).String()
	}
	// Nothing is lost with the file, so no write waits for the disk.
	db, err := sql.Open("sqlite", where+"?_pragma=busy_timeout(10000)&_pragma=synchronous(0)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // what is in memory belongs to its connection
	have := 0
	err = db.QueryRow("PRAGMA user_version").Scan(&have)
	if err == nil && have != version && have != 0 {
		err = fmt.Errorf("version %d", have)
	}
	if err == nil && have == 0 {
		_, err = db.Exec(schema + fmt.Sprintf("PRAGMA user_version = %d", version))
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &Index{db: db, base: base}, nil
}

// Close closes the database.
func (x *Index) Close() error { return x.db.Close() }

// Change says what Refresh has found.
type Change struct{ Read, Removed int }

// settled is how old a directory's last change must be for its time to tell it from a later one.
const settled = 2 * time.Second

// Refresh brings the index up to date at the time now: directories that are new or have changed are read, and so are
// all unfinished ones; those that are gone are removed. It costs a look at every directory, about 5 µs each, and about
// 100 µs for each that is read.
func (x *Index) Refresh(ctx context.Context, now time.Time) (Change, error) {
	var c Change
	known, err := x.known(ctx)
	if err != nil {
		return c, err
	}
	tx, err := x.db.BeginTx(ctx, nil)
	if err != nil {
		return c, err
	}
	defer tx.Rollback()
	put, err := tx.PrepareContext(ctx, "INSERT INTO runs VALUES (?, ?, jsonb(?)) ON CONFLICT DO UPDATE SET mtime = excluded.mtime, doc = excluded.doc")
	if err != nil {
		return c, err
	}
	keys := map[string]bool{}
	for path, mtime := range runs(x.base) {
		was, there := known[path]
		delete(known, path)
		if there && was == mtime.UnixNano() {
			continue
		}
		doc, finished := describe(filepath.Join(x.base, filepath.FromSlash(path)), path)
		for k := range doc {
			keys[k] = true
		}
		text, err := json.Marshal(doc)
		if err != nil {
			return c, fmt.Errorf("%s: %w", path, err)
		}
		stamp := mtime.UnixNano()
		if !finished || now.Sub(mtime) < settled {
			stamp = 0
		}
		if _, err := put.ExecContext(ctx, path, stamp, text); err != nil {
			return c, err
		}
		c.Read++
	}
	for path := range known {
		if _, err := tx.ExecContext(ctx, "DELETE FROM runs WHERE path = ?", path); err != nil {
			return c, err
		}
		c.Removed++
	}
	for k := range keys {
		if _, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO keys VALUES (?)", k); err != nil {
			return c, err
		}
	}
	return c, tx.Commit()
}

// known returns the runs of the index with the times of their directories.
func (x *Index) known(ctx context.Context) (map[string]int64, error) {
	rows, err := x.db.QueryContext(ctx, "SELECT path, mtime FROM runs")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]int64{}
	for rows.Next() {
		var path string
		var mtime int64
		if err := rows.Scan(&path, &mtime); err != nil {
			return nil, err
		}
		out[path] = mtime
	}
	return out, rows.Err()
}

// Entry is a run that was found. Numbers are float64, or json.Number where that would lose digits.
type Entry map[string]any

// Find returns the runs for which all filters hold, sorted by the key sort ("-key": descending; "": by when they were
// started), runs without that key last; at most limit of them, 0 for all.
func (x *Index) Find(ctx context.Context, filters []Filter, sort string, limit int) ([]Entry, error) {
	query := "SELECT json(doc) FROM runs"
	var args []any
	for i, f := range filters {
		query += []string{" WHERE ", " AND "}[min(i, 1)] + f.sql(&args)
	}
	key, order := strings.CutPrefix(sort, "-")
	if key == "" {
		key = "started"
	}
	args = append(args, jsonPath(key), jsonPath(key))
	query += " ORDER BY jsonb_extract(doc, ?) IS NULL, jsonb_extract(doc, ?) " + map[bool]string{true: "DESC", false: "ASC"}[order] + ", path"
	if limit > 0 {
		query += fmt.Sprintf(" LIMIT %d", limit)
	}
	rows, err := x.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	defer rows.Close()
	out := []Entry{}
	for rows.Next() {
		var text []byte
		if err := rows.Scan(&text); err != nil {
			return nil, fmt.Errorf("index: %w", err)
		}
		e, err := store.Object(text)
		if err != nil {
			return nil, fmt.Errorf("index: %w", err)
		}
		out = append(out, e)
	}
	return out, rows.Err()
}

// Keys returns the keys of all documents.
func (x *Index) Keys(ctx context.Context) ([]string, error) {
	rows, err := x.db.QueryContext(ctx, "SELECT name FROM keys ORDER BY name")
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var k string
		if err := rows.Scan(&k); err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, rows.Err()
}
