package model

import "github.com/ashlar-dev/ashlar/topology"

// Format is how the elements of a tensor are stored: Bits per element, and where
// they are quantised, one scale (and perhaps a zero point) per group.
type Format struct {
	Bits int64
	// GroupRows x GroupColumns elements share a scale. 0 stands for all of them:
	// {1, 0} is one scale per row, {0, 0} one per tensor.
	GroupRows, GroupColumns int64
	// ScaleBits and ZeroBits are kept once per group.
	ScaleBits, ZeroBits int64
	// ColumnBits are kept once per column.
	ColumnBits int64
}

// The formats in which model files are published. Sources: the tensors that
// AutoAWQ, GPTQModel, compressed-tensors and DeepSeek's FP8 files hold, and the OCP
// Microscaling specification for MXFP4.
var (
	Bits32 = Format{Bits: 32}
	Bits16 = Format{Bits: 16}
	Bits8  = Format{Bits: 8}

	FP8Tensor  = Format{Bits: 8, ScaleBits: 32}
	FP8Channel = Format{Bits: 8, GroupRows: 1, ScaleBits: 16}
	INT8       = Format{Bits: 8, GroupRows: 1, ScaleBits: 32}
	MXFP4      = Format{Bits: 4, GroupRows: 1, GroupColumns: 32, ScaleBits: 8}
	NVFP4      = Format{Bits: 4, GroupRows: 1, GroupColumns: 16, ScaleBits: 8}
	// NF4 is what bitsandbytes keeps: blocks of 64 with an 8-bit scale, and a
	// 32-bit scale for every 256 of those.
	NF4 = Format{Bits: 4, GroupRows: 1, GroupColumns: 64, ScaleBits: 8}
)

// FP8Block is 8 bits with a 32-bit scale for every rows x columns block.
func FP8Block(rows, columns int64) Format {
	return Format{Bits: 8, GroupRows: rows, GroupColumns: columns, ScaleBits: 32}
}

// GroupedFormat is what AWQ and GPTQ keep: a 16-bit scale per group of a row, and a zero
// point of the elements' own width unless the scheme is symmetric.
func GroupedFormat(bits, group, zero int64) Format {
	return Format{Bits: bits, GroupRows: 1, GroupColumns: group, ScaleBits: 16, ZeroBits: zero}
}

// Quantised reports whether elements share scales.
func (f Format) Quantised() bool { return f.ScaleBits > 0 }

// Bytes is what rows x columns elements take, with their scales.
func (f Format) Bytes(rows, columns int64) topology.Bytes {
	bits := rows * columns * f.Bits
	if f.Quantised() {
		bits += groupCount(rows, f.GroupRows) * groupCount(columns, f.GroupColumns) * (f.ScaleBits + f.ZeroBits)
		bits += columns * f.ColumnBits
	}
	return topology.Bytes(ceilDiv(bits, 8))
}

func groupCount(n, size int64) int64 {
	if size == 0 {
		return 1
	}
	return ceilDiv(n, size)
}

func ceilDiv(a, b int64) int64 { return (a + b - 1) / b }
