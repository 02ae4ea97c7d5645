package safetensors

// DType names an element type as the format writes it.
type DType string

// The element types that a file may hold. Only F32 and F64 have a view as Go floats; the rest pass through as bytes.
const (
	Bool DType = "BOOL"
	U8   DType = "U8"
	I8   DType = "I8"
	U16  DType = "U16"
	I16  DType = "I16"
	F16  DType = "F16"
	BF16 DType = "BF16"
	U32  DType = "U32"
	I32  DType = "I32"
	F32  DType = "F32"
	U64  DType = "U64"
	I64  DType = "I64"
	F64  DType = "F64"
)

const acceptedDTypes = "accepted: BOOL, U8, I8, U16, I16, F16, BF16, U32, I32, F32, U64, I64, F64"

// Size returns the bytes of one element, 0 for a type that the package does not know.
func (d DType) Size() int {
	switch d {
	case Bool, U8, I8:
		return 1
	case U16, I16, F16, BF16:
		return 2
	case U32, I32, F32:
		return 4
	case U64, I64, F64:
		return 8
	}
	return 0
}
