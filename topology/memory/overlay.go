package memory

import "cmp"

// Overlay puts what over states in the place of what l does: every field of over that
// is not zero. Engine and Version stay, which others decide about.
func (l *Launch) Overlay(over *Launch) {
	for _, field := range []struct{ into, from *int64 }{
		{&l.TensorParallel, &over.TensorParallel},
		{&l.PipelineParallel, &over.PipelineParallel},
		{&l.DataParallel, &over.DataParallel},
		{&l.ContextParallel, &over.ContextParallel},
		{&l.MaxModelLen, &over.MaxModelLen},
		{&l.MaxSequences, &over.MaxSequences},
		{&l.MaxBatchedTokens, &over.MaxBatchedTokens},
		{&l.GraphBatch, &over.GraphBatch},
		{&l.KVTokens, &over.KVTokens},
		{&l.KVBlocks, &over.KVBlocks},
		{&l.BlockSize, &over.BlockSize},
		{&l.Adapters, &over.Adapters},
		{&l.AdapterRank, &over.AdapterRank},
		{&l.DraftTokens, &over.DraftTokens},
		{&l.Instances, &over.Instances},
		{&l.Beams, &over.Beams},
	} {
		*field.into = cmp.Or(*field.from, *field.into)
	}
	if len(over.StageLayers) > 0 {
		l.StageLayers = over.StageLayers
	}
	l.Media.overlayLimits(&over.Media)
	l.Utilisation = cmp.Or(over.Utilisation, l.Utilisation)
	l.KVMemory = cmp.Or(over.KVMemory, l.KVMemory)
	l.KVFormat = cmp.Or(over.KVFormat, l.KVFormat)
	l.CPUOffload = cmp.Or(over.CPUOffload, l.CPUOffload)
	l.Dtype = cmp.Or(over.Dtype, l.Dtype)
	l.Quantisation = cmp.Or(over.Quantisation, l.Quantisation)
	l.Draft = cmp.Or(over.Draft, l.Draft)
	for _, field := range []struct{ into, from *bool }{
		{&l.Library, &over.Library},
		{&l.ExpertParallel, &over.ExpertParallel},
		{&l.FitModelLen, &over.FitModelLen},
		{&l.Eager, &over.Eager},
		{&l.GraphsUncounted, &over.GraphsUncounted},
		{&l.NoHybridKV, &over.NoHybridKV},
		{&l.NoPrefixCaching, &over.NoPrefixCaching},
		{&l.LanguageOnly, &over.LanguageOnly},
	} {
		*field.into = *field.into || *field.from
	}
}
