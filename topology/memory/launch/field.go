package launch

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// Field is one thing that a Reading says: of its Launch, or beside it.
type Field uint8

// The fields of a Reading. Each is called as the struct's field of memory.Launch or
// Reading that has its value.
const (
	_ Field = iota // a Field that is not set is none
	FieldServer
	FieldModel
	FieldOverrides
	FieldGPUMemory
	FieldConcurrency
	FieldContext

	FieldEngine
	FieldVersion
	FieldLibrary
	FieldTensorParallel
	FieldPipelineParallel
	FieldDataParallel
	FieldContextParallel
	FieldExpertParallel
	FieldStageLayers
	FieldMaxModelLen
	FieldFitModelLen
	FieldMaxSequences
	FieldMaxBatchedTokens
	FieldGraphBatch
	FieldUtilisation
	FieldKVMemory
	FieldKVTokens
	FieldKVBlocks
	FieldBlockSize
	FieldKVFormat
	FieldDtype
	FieldQuantisation
	FieldEager
	FieldGraphsUncounted
	FieldCPUOffload
	FieldNoHybridKV
	FieldNoPrefixCaching
	FieldLanguageOnly
	FieldMedia
	FieldAdapters
	FieldAdapterRank
	FieldDraft
	FieldDraftTokens
	FieldInstances
	FieldBeams

	fieldsEnd
)

var fieldNames = [fieldsEnd]string{
	FieldServer: "Server", FieldModel: "Model", FieldOverrides: "Overrides",
	FieldGPUMemory: "GPUMemory", FieldConcurrency: "Concurrency", FieldContext: "Context",
	FieldEngine: "Engine", FieldVersion: "Version", FieldLibrary: "Library",
	FieldTensorParallel: "TensorParallel", FieldPipelineParallel: "PipelineParallel", FieldDataParallel: "DataParallel",
	FieldContextParallel: "ContextParallel", FieldExpertParallel: "ExpertParallel", FieldStageLayers: "StageLayers",
	FieldMaxModelLen: "MaxModelLen", FieldFitModelLen: "FitModelLen",
	FieldMaxSequences: "MaxSequences", FieldMaxBatchedTokens: "MaxBatchedTokens", FieldGraphBatch: "GraphBatch",
	FieldUtilisation: "Utilisation", FieldKVMemory: "KVMemory", FieldKVTokens: "KVTokens", FieldKVBlocks: "KVBlocks",
	FieldBlockSize: "BlockSize", FieldKVFormat: "KVFormat", FieldDtype: "Dtype", FieldQuantisation: "Quantisation",
	FieldEager: "Eager", FieldGraphsUncounted: "GraphsUncounted", FieldCPUOffload: "CPUOffload", FieldNoHybridKV: "NoHybridKV",
	FieldNoPrefixCaching: "NoPrefixCaching",
	FieldLanguageOnly:    "LanguageOnly", FieldMedia: "Media", FieldAdapters: "Adapters", FieldAdapterRank: "AdapterRank",
	FieldDraft: "Draft", FieldDraftTokens: "DraftTokens",
	FieldInstances: "Instances", FieldBeams: "Beams",
}

// String is the field's name as memory.Launch or Reading has it.
func (f Field) String() string {
	if f == 0 || f >= fieldsEnd {
		return fmt.Sprintf("Field(%d)", uint8(f))
	}
	return fieldNames[f]
}

// Fields lists all fields.
func Fields() []Field {
	all := make([]Field, 0, fieldsEnd-1)
	for f := Field(1); f < fieldsEnd; f++ {
		all = append(all, f)
	}
	return all
}

// countOf is where a launch has the whole number that the field is, nil for others.
func (f Field) countOf(l *memory.Launch) *int64 {
	switch f {
	case FieldTensorParallel:
		return &l.TensorParallel
	case FieldPipelineParallel:
		return &l.PipelineParallel
	case FieldDataParallel:
		return &l.DataParallel
	case FieldMaxModelLen:
		return &l.MaxModelLen
	case FieldMaxSequences:
		return &l.MaxSequences
	case FieldMaxBatchedTokens:
		return &l.MaxBatchedTokens
	case FieldGraphBatch:
		return &l.GraphBatch
	case FieldKVTokens:
		return &l.KVTokens
	case FieldKVBlocks:
		return &l.KVBlocks
	case FieldBlockSize:
		return &l.BlockSize
	case FieldAdapters:
		return &l.Adapters
	case FieldAdapterRank:
		return &l.AdapterRank
	case FieldDraftTokens:
		return &l.DraftTokens
	}
	return nil
}

// switchOf is where a launch has the yes or no that the field is, nil for others.
func (f Field) switchOf(l *memory.Launch) *bool {
	switch f {
	case FieldExpertParallel:
		return &l.ExpertParallel
	case FieldEager:
		return &l.Eager
	case FieldNoHybridKV:
		return &l.NoHybridKV
	case FieldLanguageOnly:
		return &l.LanguageOnly
	}
	return nil
}
