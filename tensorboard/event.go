package tensorboard

import (
	"math"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// message is a protocol buffer in the making. Its methods add a field and return the longer message.
type message []byte

func (m message) varint(field protowire.Number, v uint64) message {
	return protowire.AppendVarint(protowire.AppendTag(m, field, protowire.VarintType), v)
}

func (m message) double(field protowire.Number, v float64) message {
	return protowire.AppendFixed64(protowire.AppendTag(m, field, protowire.Fixed64Type), math.Float64bits(v))
}

func (m message) float(field protowire.Number, v float32) message {
	return protowire.AppendFixed32(protowire.AppendTag(m, field, protowire.Fixed32Type), math.Float32bits(v))
}

func (m message) text(field protowire.Number, s string) message {
	return protowire.AppendString(protowire.AppendTag(m, field, protowire.BytesType), s)
}

func (m message) message(field protowire.Number, sub message) message {
	return protowire.AppendBytes(protowire.AppendTag(m, field, protowire.BytesType), sub)
}

// sessionStart is SessionLog.START.
const sessionStart = 1

// event begins an Event; what happened is field 3 (file_version), 5 (summary) or 7 (session_log).
func event(now time.Time, step int) message {
	return message{}.double(1, seconds(now)).varint(2, uint64(step))
}

func seconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }
