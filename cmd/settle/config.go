package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/spf13/cobra"
)

// applyConfig gives every flag that the command line does not set the value that the file of --config has for it. Keys
// are the names of flags; a list stands for values with commas between them.
func (a *app) applyConfig(cmd *cobra.Command) error {
	if a.config == "" {
		return nil
	}
	text, err := os.ReadFile(a.config)
	if err != nil {
		return fmt.Errorf("--config: %w", err)
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return fmt.Errorf("--config %s: %w", a.config, err)
	}
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		m, ok := doc.Body.(ast.MapNode)
		if !ok {
			return fmt.Errorf("--config %s: want keys and values, such as  lr: 0.001", a.config)
		}
		for it := m.MapRange(); it.Next(); {
			if err := setFlag(cmd, it.Key(), it.Value()); err != nil {
				at := it.Key().GetToken().Position
				return fmt.Errorf("--config %s:%d:%d: %w", a.config, at.Line, at.Column, err)
			}
		}
	}
	return nil
}

// setFlag sets one flag unless the command line did.
func setFlag(cmd *cobra.Command, key ast.MapKeyNode, value ast.Node) error {
	name := key.GetToken().Value
	flag := cmd.Flags().Lookup(name)
	if flag == nil || name == "config" || name == "help" {
		return fmt.Errorf("unknown key %q: settle %s --help lists the flags", name, cmd.Name())
	}
	if flag.Changed {
		return nil
	}
	v, err := scalar(value)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := cmd.Flags().Set(name, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// scalar returns a value as a command line would have it.
func scalar(n ast.Node) (string, error) {
	switch n := n.(type) {
	case *ast.SequenceNode:
		var parts []string
		for _, v := range n.Values {
			p, err := scalar(v)
			if err != nil {
				return "", err
			}
			parts = append(parts, p)
		}
		return strings.Join(parts, ","), nil
	case ast.ScalarNode:
		return n.GetToken().Value, nil
	}
	return "", fmt.Errorf("%s: want a single value or a list", n.Type())
}
