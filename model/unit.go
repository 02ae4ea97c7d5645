package model

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Normal returns what the network sees of value k of an image, whose intensity v is from 0 to 1.
func (m Meta) Normal(k int, v float64) float64 {
	u := m.unit(k)
	return (v - u.Mean) / u.Std
}

// Intensity is Normal's inverse.
func (m Meta) Intensity(k int, v float64) float64 {
	u := m.unit(k)
	return v*u.Std + u.Mean
}

// unit is what value k of an image is normalised by.
func (m Meta) unit(k int) Unit {
	if m.ByChannel == nil {
		return Unit{m.Mean, m.Std}
	}
	return m.ByChannel[k%len(m.ByChannel)]
}

// parseChannels reads what channels are normalised by, once their number is known.
func (m *Meta) parseChannels(meta map[string]string) error {
	_, mean := meta["channel_mean"]
	_, std := meta["channel_std"]
	if !mean && !std {
		return nil
	}
	var err error
	m.ByChannel, err = readUnits(meta, "channel", m.Channels)
	return err
}

// writeUnits writes units, if there are any, under NAME_mean and NAME_std, numbers with commas between them.
func writeUnits(meta map[string]string, name string, units []Unit) {
	if len(units) == 0 {
		return
	}
	var means, stds []string
	for _, u := range units {
		means = append(means, strconv.FormatFloat(u.Mean, 'g', -1, 64))
		stds = append(stds, strconv.FormatFloat(u.Std, 'g', -1, 64))
	}
	meta[name+"_mean"], meta[name+"_std"] = strings.Join(means, ","), strings.Join(stds, ",")
}

// readUnits reads n units that writeUnits wrote.
func readUnits(meta map[string]string, name string, n int) ([]Unit, error) {
	mean, std := meta[name+"_mean"], meta[name+"_std"]
	want := fmt.Errorf("metadata %s_mean %q, %s_std %q: want %d finite numbers each, with commas between them, those of %s_std above 0", name, mean, name, std, n, name)
	means, stds := strings.Split(mean, ","), strings.Split(std, ",")
	if len(means) != n || len(stds) != n {
		return nil, want
	}
	var units []Unit
	for i := range means {
		m, err := strconv.ParseFloat(means[i], 64)
		s, also := strconv.ParseFloat(stds[i], 64)
		if err != nil || also != nil || !(s > 0) || math.IsInf(s, 0) || math.IsNaN(m) || math.IsInf(m, 0) {
			return nil, want
		}
		units = append(units, Unit{m, s})
	}
	return units, nil
}
