package model

// everyLayer, isOddLayer and the rest are the patterns of sliding layers that models have
// had before config.json listed layer_types.
func everyLayer(*modelBuilder, int64) bool { return true }

func isOddLayer(_ *modelBuilder, layer int64) bool { return layer%2 == 0 }

// fullEach slides in all but each n-th layer, n from config.json or as given.
func fullEach(n int64) func(*modelBuilder, int64) bool {
	return func(b *modelBuilder, layer int64) bool {
		const key, older = "sliding_window_pattern", "_sliding_window_pattern"
		if letters, isText := b.values[key].(string); isText && letters != "" { // "LLLG"
			return letters[layer%int64(len(letters))] == 'L'
		}
		each := n
		if stated := b.readDimension(key, older); stated > 0 {
			each = stated
		}
		return (layer+1)%each != 0
	}
}

// upperLayers slides from max_window_layers on, as Qwen2 does when asked to.
func upperLayers(b *modelBuilder, layer int64) bool {
	return b.readFlag(false, "use_sliding_window") && layer >= b.readCount("max_window_layers")
}
