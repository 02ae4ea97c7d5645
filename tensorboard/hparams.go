package tensorboard

import (
	"maps"
	"slices"
	"time"
)

// Tags and the plug-in's name, from TensorBoard, plugins/hparams/metadata.py.
const (
	hparamsPlugin = "hparams"
	startTag      = "_hparams_/session_start_info"
	endTag        = "_hparams_/session_end_info"
)

// Values of summary.proto's DataClass, types.proto's DataType and api.proto's Status.
const (
	dataClassTensor = 2
	typeFloat       = 1
	statusSuccess   = 1
	statusFailure   = 2
)

// Settings gives the training's settings, for TensorBoard's table of hyperparameters. A value is a string, a bool, or a
// float64; anything else is a bug.
func (w *Writer) Settings(now time.Time, values map[string]any) error {
	start := message{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		start = start.message(1, message{}.text(1, name).message(2, value(values[name])))
	}
	w.hparams(now, startTag, message{}.message(3, start.double(5, seconds(now))))
	return w.Flush()
}

// value is a google.protobuf.Value.
func value(v any) message {
	switch v := v.(type) {
	case string:
		return message{}.text(3, v)
	case bool:
		n := uint64(0)
		if v {
			n = 1
		}
		return message{}.varint(4, n)
	case float64:
		return message{}.double(2, v)
	}
	panic("tensorboard: a setting is no string, bool or float64")
}

// End says that the training has ended, and whether well, for the same table.
func (w *Writer) End(now time.Time, well bool) error {
	status := uint64(statusFailure)
	if well {
		status = statusSuccess
	}
	w.hparams(now, endTag, message{}.message(4, message{}.varint(1, status).double(2, seconds(now))))
	return w.Flush()
}

// hparams adds an event whose summary holds nothing but the plug-in's data, beside an empty tensor that must be there.
func (w *Writer) hparams(now time.Time, tag string, data message) {
	metadata := message{}.message(1, message{}.text(1, hparamsPlugin).message(2, data)).varint(4, dataClassTensor)
	none := message{}.varint(1, typeFloat).message(2, message{}.message(2, message{}.varint(1, 0))) // of shape [0]
	w.write(event(now, 0).message(5, message{}.message(1, message{}.text(1, tag).message(8, none).message(9, metadata))))
}
