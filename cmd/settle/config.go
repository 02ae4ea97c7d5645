package main

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/settle-pc/settle/internal/nearest"
)

// instead holds flags of which one replaces the other: with one on the command line, both are settled.
var instead = map[string]string{"batches": "epochs", "epochs": "batches"}

// applyConfig gives every flag that the command line does not set the value that the file of --config has for it. Keys
// are the names of flags; a list stands for values with commas between them.
func (a *app) applyConfig(cmd *cobra.Command) error {
	if a.config == "" {
		return nil
	}
	source, err := readConfig(a.config)
	if err != nil {
		return fmt.Errorf("--config: %w", err)
	}
	file, err := parser.ParseBytes(source, 0)
	if err != nil {
		return fmt.Errorf("--config %s: %w", a.config, err)
	}
	fixed := map[string]bool{}
	cmd.Flags().Visit(func(f *pflag.Flag) { fixed[f.Name], fixed[instead[f.Name]] = true, true })
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		m, ok := doc.Body.(ast.MapNode)
		if !ok {
			return fmt.Errorf("--config %s: want keys and values, such as  lr: 0.001", a.config)
		}
		for it := m.MapRange(); it.Next(); {
			if err := setFlag(cmd, it.Key(), it.Value(), fixed); err != nil {
				at := it.Key().GetToken().Position
				return fmt.Errorf("--config %s:%d:%d: %w", a.config, at.Line, at.Column, err)
			}
		}
	}
	return nil
}

// setFlag sets one flag, unless the command line has fixed it.
func setFlag(cmd *cobra.Command, key ast.MapKeyNode, value ast.Node, fixed map[string]bool) error {
	name := key.GetToken().Value
	flag := cmd.Flags().Lookup(name)
	if flag == nil || name == "config" || name == "help" {
		return fmt.Errorf("unknown key %q%s: %s --help lists the flags", name, meant(name, flagNames(cmd)), cmd.CommandPath())
	}
	v, err := text(value)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if fixed[name] {
		return nil
	}
	return flagError(cmd.Flags().Set(name, v))
}

// flagNames lists the flags that a file may set.
func flagNames(cmd *cobra.Command) []string {
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}

// meant asks whether one of the known words was.
func meant(word string, known []string) string {
	if k := nearest.Word(word, known); k != "" {
		return fmt.Sprintf(" (did you mean %q?)", k)
	}
	return ""
}

// text returns a value as a command line would have it.
func text(n ast.Node) (string, error) {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		return scalar(n)
	}
	var parts []string
	for _, v := range list.Values {
		p, err := scalar(v)
		if err != nil {
			return "", err
		}
		parts = append(parts, p)
	}
	return strings.Join(parts, ","), nil
}

func scalar(n ast.Node) (string, error) {
	switch n := n.(type) {
	case *ast.BoolNode, *ast.FloatNode, *ast.IntegerNode, *ast.InfinityNode, *ast.NanNode, *ast.StringNode:
		return n.GetToken().Value, nil
	}
	return "", fmt.Errorf("%s: want a single value, or a list of them", strings.ToLower(n.Type().String()))
}
