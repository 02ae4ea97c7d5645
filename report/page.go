package report

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/settle-pc/settle/store"
)

// Files of a reproduction that Page reads, beside tables and figures, and writes.
const (
	AboutFile  = "about.json"
	claimsFile = "claims.json"
	PageFile   = "report.html"
	textFile   = "report.md"
)

//go:embed page.html
var pageSource string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{"lower": strings.ToLower}).Parse(pageSource))

// About is what a reproduction says of itself: the content of AboutFile.
type About struct {
	Command   string    `json:"command"`
	Level     string    `json:"level"`
	Names     []string  `json:"names"`
	Seed      uint64    `json:"seed"`
	Notes     []string  `json:"notes"`
	Version   string    `json:"version"`
	Go        string    `json:"go"`
	System    string    `json:"system"`
	Processor string    `json:"processor"`
	Cores     int       `json:"cores"`
	Workers   int       `json:"workers"`
	Kernels   string    `json:"kernels"`
	Seconds   float64   `json:"seconds"`
	Earlier   string    `json:"earlier,omitempty"` // what an interrupted session was on, from which this one went on; its time is not in Seconds
	Date      time.Time `json:"date"`
}

// WentOn says, after a semicolon, that this session went on from an earlier one, if it did.
func (a About) WentOn() string {
	if a.Earlier == "" {
		return ""
	}
	return "; it went on from what an earlier session had computed (" + a.Earlier + "), whose time is not counted"
}

// claim is a judged claim.
type claim struct {
	ID        string          `json:"id"`
	Statement string          `json:"statement"`
	Verdict   string          `json:"verdict"`
	Numbers   json.RawMessage `json:"numbers"`
	Text      string          `json:"text"`
	Pretty    string          `json:"-"` // the numbers, for people
	Criterion string          `json:"-"`
}

// page is what the template shows.
type page struct {
	About    About
	Claims   []claim
	Counts   map[string]int
	Sections []section
	Took     string
}

// section is one experiment.
type section struct {
	ID, Title, Question string
	Claims              []claim
	Pictures            []picture
	Tables              []grid
	Unknown             []string // in the source, and what was chosen
	Rerun               string
}

// picture is a figure inline.
type picture struct {
	Name, Caption string
	SVG           template.HTML
}

// grid is a table for people.
type grid struct {
	Title  string
	Source string // the table it shows
	Head   []string
	Rows   [][]string
}

// Page writes report.html, one file with all pictures inline that asks for nothing else, and report.md, from the tables,
// claims and figures of a reproduction.
func Page(run *store.Run) error {
	p, err := readPage(run)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, p); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if err := run.WriteFile(PageFile, b.Bytes()); err != nil {
		return err
	}
	return run.WriteFile(textFile, p.text())
}

func readPage(run *store.Run) (*page, error) {
	p := &page{Counts: map[string]int{}}
	for name, v := range map[string]any{AboutFile: &p.About, claimsFile: &p.Claims} {
		b, err := os.ReadFile(filepath.Join(run.Dir(), name))
		if err != nil {
			return nil, fmt.Errorf("report: %w", err)
		}
		if err := json.Unmarshal(b, v); err != nil {
			return nil, fmt.Errorf("report: %s: %w", name, err)
		}
	}
	for i := range p.Claims {
		c := &p.Claims[i]
		p.Counts[c.Verdict]++
		c.Criterion = criteria[c.ID]
		var b bytes.Buffer
		if err := json.Indent(&b, c.Numbers, "", "  "); err != nil {
			return nil, fmt.Errorf("report: %s: numbers of %s: %w", claimsFile, c.ID, err)
		}
		c.Pretty = b.String()
	}
	p.Took = (time.Duration(p.About.Seconds * float64(time.Second))).Round(time.Second).String()
	for _, plan := range sectionPlans {
		s, err := p.section(run, plan)
		if err != nil {
			return nil, fmt.Errorf("report: section %s: %w", plan.id, err)
		}
		if s != nil {
			p.Sections = append(p.Sections, *s)
		}
	}
	return p, nil
}

// section fills in a plan; nil where the run has none of its pictures.
func (p *page) section(run *store.Run, plan sectionPlan) (*section, error) {
	s := &section{ID: plan.id, Title: plan.title, Question: plan.question, Unknown: plan.unknown, Rerun: plan.rerun}
	if l := p.About.Level; l != "" && l != "default" {
		s.Rerun += " --" + l
	}
	for _, f := range plan.pictures {
		svg, err := os.ReadFile(filepath.Join(run.Dir(), "figures", f.name+".svg"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		s.Pictures = append(s.Pictures, picture{f.name, f.caption, inline(svg, f.name)})
	}
	if len(s.Pictures) == 0 {
		return nil, nil
	}
	if plan.settings != nil {
		g, err := plan.settings(run)
		if err != nil {
			return nil, err
		}
		s.Tables = append(s.Tables, g...)
	}
	for _, c := range p.Claims {
		if slices.Contains(plan.claims, c.ID) {
			s.Claims = append(s.Claims, c)
		}
	}
	return s, nil
}

// inline prepares a picture for its place inside a page: without the head of a file, with names of its own, since several
// pictures share the page's, and with a size that follows the page's width.
func inline(svg []byte, name string) template.HTML {
	text := string(svg)
	if i := strings.Index(text, "<svg"); i > 0 {
		text = text[i:]
	}
	prefix := strings.NewReplacer(".", "-", " ", "-").Replace(name) + "-"
	text = strings.NewReplacer(` id="`, ` id="`+prefix, `url(#`, `url(#`+prefix, `href="#`, `href="#`+prefix).Replace(text)
	return template.HTML(text) // drawn by package plot, which escapes what it writes
}

// text is the short report.
func (p *page) text() []byte {
	var b bytes.Buffer
	a := p.About
	fmt.Fprintf(&b, "# Predictive Coding as a 2nd-Order Method, reproduced\n\n`%s` took %s on %s (%d cores, %d workers, %s kernels, %s), seed %d, settle %s%s.\n\n", a.Command, p.Took,
		a.Processor, a.Cores, a.Workers, a.Kernels, a.System, a.Seed, a.Version, a.WentOn())
	for _, n := range a.Notes {
		fmt.Fprintf(&b, "* %s\n", n)
	}
	fmt.Fprintf(&b, "\n| claim | verdict | statement |\n|---|---|---|\n")
	for _, c := range p.Claims {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", c.ID, c.Verdict, strings.ReplaceAll(c.Statement, "|", "\\|"))
	}
	for _, c := range p.Claims {
		fmt.Fprintf(&b, "\n**%s: %s.** %s\n*Judged by:* %s\n", c.ID, c.Verdict, c.Text, c.Criterion)
	}
	fmt.Fprintf(&b, "\nFigures are in figures/, tables in tables/, all numbers of the claims in %s, and the whole in %s.\n", claimsFile, PageFile)
	return b.Bytes()
}
