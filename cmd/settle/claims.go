package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/settle-pc/settle/experiment"
	"github.com/settle-pc/settle/store"
)

// claimsFile holds the claims that a run has judged.
const claimsFile = "claims.json"

// printClaims writes a line for each claim with its verdict, and below it how that came about.
func printClaims(w io.Writer, claims []experiment.Claim) {
	for _, c := range claims {
		fmt.Fprintf(w, "%-4s %-11s %s\n", c.ID, c.Verdict, c.Statement)
		for _, line := range fold(c.Text, 110) {
			fmt.Fprintf(w, "%16s %s\n", "", line)
		}
	}
}

// fold breaks a text at spaces into lines of at most width letters, longer words aside.
func fold(text string, width int) []string {
	var lines []string
	for word := range strings.FieldsSeq(text) {
		if n := len(lines); n > 0 && utf8.RuneCountInString(lines[n-1])+1+utf8.RuneCountInString(word) <= width {
			lines[n-1] += " " + word
			continue
		}
		lines = append(lines, word)
	}
	return lines
}

// begin makes the run directory of a study and writes its spec there.
func (a *app) begin(command string, spec any) (*store.Run, error) {
	run, err := a.run(command)
	if err != nil {
		return nil, err
	}
	if err := writeJSON(run, specFile, spec); err != nil {
		return nil, failure{err}
	}
	return run, nil
}

// publish writes the claims and the result of a study to its run directory, and the result to stdout with --json.
func (a *app) publish(run *store.Run, claims []experiment.Claim, result any) error {
	if err := writeJSON(run, claimsFile, claims); err != nil {
		return failure{err}
	}
	return a.deliver(run, resultFile, result)
}
