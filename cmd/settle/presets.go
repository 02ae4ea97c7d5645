package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// presets are trainings that others have published, as --config takes them by name.
//
//go:embed presets/*.yaml
var presets embed.FS

// presetNames lists them, sorted.
func presetNames() []string {
	entries, err := presets.ReadDir("presets")
	if err != nil {
		panic("settle: no presets in the binary")
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return names
}

// readConfig reads the file of --config, or the preset of that name where there is no such file.
func readConfig(name string) ([]byte, error) {
	text, err := os.ReadFile(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return text, err
	}
	if own, missing := presets.ReadFile("presets/" + name + ".yaml"); missing == nil {
		return own, nil
	}
	return nil, fmt.Errorf("%w; want a file, or one of the presets %s", err, strings.Join(presetNames(), ", "))
}
