package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/settle-pc/settle/internal/nearest"
	"github.com/settle-pc/settle/store"
	"github.com/settle-pc/settle/store/index"
	"github.com/settle-pc/settle/train"
)

// runsDir is where runs are made and looked for by default.
const runsDir = "runs"

// shelf is a folder with runs.
type shelf struct {
	*app
	base string
}

func (a *app) runsCommand() *cobra.Command {
	s := &shelf{app: a}
	cmd := &cobra.Command{
		Use:   "runs",
		Short: "List, show, compare, tag and export stored runs",
		Long: `Finds the runs in a folder by their settings and results. A FILTER is KEY=VALUE, with = != < <= > >= or ~ (contains);
keys are the flags of settle train, the keys of its --json object, and run, command, state (finished, diverged, running,
interrupted), started and tag. All filters must hold. An index in the folder makes this fast; it can be deleted.`,
		Example: `  settle runs list rule=pc act=relu 'test_accuracy>0.95'
  settle runs show 20260102-150405-train
  settle runs diff 20260102-150405-train 20260102-160102-train`,
		Args: operands(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return fmt.Errorf("runs: want one of %s", subcommands(cmd))
		},
	}
	cmd.PersistentFlags().StringVar(&s.base, "runs", runsDir, "`folder` that the runs are in")
	cmd.AddCommand(s.listCommand(), s.showCommand(), s.diffCommand(), s.tagCommand(), s.exportCommand(), s.gcCommand())
	return cmd
}

func (s *shelf) listCommand() *cobra.Command {
	sort, limit := "started", 0
	cmd := &cobra.Command{
		Use:   "list [FILTER…]",
		Short: "List runs, those that all filters hold for",
		Example: `  settle runs list
  settle runs list rule=pc act=relu 'test_accuracy>0.95' --sort -test_accuracy --limit 10
  settle runs list state=interrupted --json`,
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			if limit < 0 {
				return fmt.Errorf("--limit %d: want a number from 0 (all)", limit)
			}
			runs, err := s.find(args, sort, limit)
			if err != nil {
				return err
			}
			return s.list(runs)
		},
	}
	cmd.Flags().StringVar(&sort, "sort", sort, "`key` to sort by, with - before it from high to low")
	cmd.Flags().IntVar(&limit, "limit", 0, "show the first `N` only; 0: all")
	return cmd
}

// find returns the runs that the filters find.
func (s *shelf) find(filters []string, sort string, limit int) ([]index.Entry, error) {
	var fs []index.Filter
	for _, text := range filters {
		f, err := index.ParseFilter(text)
		if err != nil {
			return nil, err
		}
		fs = append(fs, f)
	}
	x, err := s.index()
	if x == nil {
		return []index.Entry{}, err
	}
	defer x.Close()
	known, err := x.Keys(s.ctx)
	if err != nil {
		return nil, failure{err}
	}
	known = append(known, slices.Collect(maps.Keys(contractKeys()))...)
	known = append(known, "run", "command", "started", "state", "tag")
	for i, key := range append([]string{strings.TrimPrefix(sort, "-")}, filterKeys(fs)...) {
		if key == "" || slices.Contains(known, key) {
			continue
		}
		what := "--sort"
		if i > 0 {
			what = "filter"
		}
		if word := nearest.Word(key, known); word != "" {
			return nil, fmt.Errorf("%s %q: unknown key: did you mean %q?", what, key, word)
		}
		return nil, fmt.Errorf("%s %q: unknown key: want a flag of settle train, a key of its --json object, or run, command, state, started, tag", what, key)
	}
	found, err := x.Find(s.ctx, fs, sort, limit)
	if err != nil {
		return nil, failure{err}
	}
	return found, nil
}

func filterKeys(fs []index.Filter) []string {
	var keys []string
	for _, f := range fs {
		keys = append(keys, f.Key)
	}
	return keys
}

// contractKeys are the keys of a training's result and specification, each with null; to read only.
var contractKeys = sync.OnceValue(func() map[string]any {
	keys := asEntry(train.Summary{})
	maps.Copy(keys, asEntry(train.Spec{}))
	for k := range keys {
		keys[k] = nil
	}
	return keys
})

// asEntry is v as a document has it.
func asEntry(v any) map[string]any {
	var out map[string]any
	text, err := json.Marshal(v)
	if err == nil {
		out, err = store.Object(text)
	}
	if err != nil {
		panic("settle: a result that is no JSON object")
	}
	return out
}

// index opens the folder's index, nil where there is no folder yet.
func (s *shelf) index() (*index.Index, error) {
	if _, err := os.Stat(s.base); errors.Is(err, fs.ErrNotExist) && s.base == runsDir {
		return nil, nil
	}
	x, c, err := index.Open(s.ctx, s.base, time.Now())
	if err != nil {
		return nil, fmt.Errorf("--runs: %w", err)
	}
	if c.Read > 1000 {
		fmt.Fprintf(s.note(), "index: %d runs read\n", c.Read)
	}
	return x, nil
}

// list prints runs as a table, or with the keys of train.
func (s *shelf) list(runs []index.Entry) error {
	for _, r := range runs {
		complete(r)
	}
	if err := s.printJSON(map[string]any{"runs": runs}); err != nil {
		return failure{err}
	}
	if len(runs) == 0 {
		fmt.Fprintf(s.text(), "no such runs in %s; settle train and the other commands make them\n", s.base)
		return nil
	}
	w := tabwriter.NewWriter(s.text(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "run\tstate\trule\tarch\tact\toptim\tlr\tseed\tbatches\ttest accuracy\ttags")
	for _, r := range runs {
		accuracy := ""
		if v, ok := r["test_accuracy"].(float64); ok {
			accuracy = percent(&v)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r["run"], r["state"], plain(r["rule"]), plain(r["arch"]), plain(r["act"]), plain(r["optim"]), plain(r["lr"]),
			plain(r["seed"]), plain(r["batches"]), accuracy, strings.Join(tagsOf(r), " "))
	}
	if err := w.Flush(); err != nil {
		return failure{err}
	}
	fmt.Fprintf(s.note(), "%d runs; settle runs show RUN has more of one\n", len(runs))
	return nil
}

func tagsOf(r index.Entry) []string {
	var out []string
	list, _ := r["tags"].([]any)
	for _, t := range list {
		out = append(out, plain(t))
	}
	return out
}

// plain writes a value of a document for people: nothing for null.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return strconv.FormatFloat(v, 'f', -1, 64)
		}
		return fmt.Sprintf("%.6g", v)
	case string:
		return v
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

// apart writes values for people so that different ones look different.
func apart(values ...any) []string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = plain(v)
	}
	out := slices.Clone(texts)
	for i, v := range values {
		f, ok := v.(float64)
		for j, w := range values {
			if ok && texts[i] == texts[j] && v != w {
				out[i] = strconv.FormatFloat(f, 'g', -1, 64)
			}
		}
	}
	return out
}

// resolve returns the directory of a run: a path, or what its name in the folder is or ends or begins with.
func (s *shelf) resolve(name string) (string, error) {
	if name == "" {
		return "", errors.New(`run "": want the name or path of a run`)
	}
	for _, dir := range []string{filepath.Join(s.base, name), name} {
		if _, err := store.Open(dir); err == nil || !strings.Contains(err.Error(), "not a run directory") {
			return dir, err
		}
	}
	all, err := s.find(nil, "run", 0)
	if err != nil {
		return "", err
	}
	var like, names []string
	for _, r := range all {
		n := plain(r["run"])
		names = append(names, n)
		if strings.HasPrefix(n, name) || strings.HasSuffix(n, name) {
			like = append(like, n)
		}
	}
	switch {
	case len(like) == 1:
		return filepath.Join(s.base, like[0]), nil
	case len(like) > 1:
		return "", fmt.Errorf("run %q: may be %s: want the whole name", name, strings.Join(like[:min(len(like), 5)], ", "))
	}
	hint := "settle runs list shows them"
	if word := nearest.Word(name, names); word != "" {
		hint = fmt.Sprintf("did you mean %q?", word)
	}
	return "", fmt.Errorf("run %q: no such run in %s, and no run directory of that path: %s", name, s.base, hint)
}

// complete gives an entry all keys of the contract.
func complete(e index.Entry) index.Entry {
	for k, v := range contractKeys() {
		if _, there := e[k]; !there {
			e[k] = v
		}
	}
	return e
}

func (s *shelf) tagCommand() *cobra.Command {
	remove := false
	cmd := &cobra.Command{
		Use:   "tag RUN [TAG…]",
		Short: "Mark a run with words, or show those it has",
		Example: `  settle runs tag 20260102-150405-train baseline paper
  settle runs tag 20260102-150405-train paper --remove
  settle runs list tag=baseline`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir, err := s.resolve(args[0])
			if err != nil {
				return err
			}
			tags := index.Tags(dir)
			if len(args) > 1 {
				if tags, err = s.tag(dir, tags, args[1:], remove); err != nil {
					return err
				}
			}
			if err := s.printJSON(map[string]any{"run": dir, "tags": tags}); err != nil {
				return failure{err}
			}
			fmt.Fprintf(s.text(), "%s: %s\n", dir, strings.Join(tags, " "))
			return nil
		},
	}
	cmd.Flags().BoolVar(&remove, "remove", false, "take the tags off")
	return cmd
}

// tag adds words to a run's tags, or removes them, and returns those it has then.
func (s *shelf) tag(dir string, tags, words []string, remove bool) ([]string, error) {
	for _, w := range words {
		if w == "" || len(w) > 60 || strings.ContainsAny(w, " \t\n,=<>!~\"'") {
			return nil, fmt.Errorf("tag %q: want up to 60 bytes without spaces, commas, quotation marks and = < > ! ~", w)
		}
		tags = slices.DeleteFunc(tags, func(t string) bool { return t == w })
		if !remove {
			tags = append(tags, w)
		}
	}
	r, err := store.Continue(dir)
	if err != nil {
		return nil, failure{err}
	}
	defer r.Close()
	if err := index.WriteTags(r, tags); err != nil {
		return nil, failure{err}
	}
	return tags, nil
}
