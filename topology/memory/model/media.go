package model

// MediaKind is what a model takes beside text.
type MediaKind int8

// The kinds of media, in the order in which vLLM sorts their names.
const (
	SoundMedia   MediaKind = iota // audio
	PictureMedia                  // image
	VideoMedia                    // video
)

func (k MediaKind) String() string { return [...]string{"sound", "picture", "video"}[k] }

// MediaItem is the largest item of one kind that a model takes.
type MediaItem struct {
	Kind MediaKind
	// Vectors is how many of them the tower puts out for the item, and Between how many tokens of
	// text stand among them.
	Vectors, Between int64
	// Patches is what the tower sees of the item at once.
	Patches int64
	// MostSteps, of videos that are as long as a request has room for, says that Vectors and Patches are
	// those of one step, and how many steps a video has at most; 0 for items of one size.
	MostSteps int64
	// BesidePicture says that a video has no more room than the largest picture leaves of a request.
	BesidePicture bool
}

// mediaReader says what a family of models takes, from config.json and what its preprocessor does
// where nobody states otherwise.
type mediaReader func(b *modelBuilder, outer, vision *configFields) []MediaItem

// Qwen's preprocessors take up to 16,384 squares of 2 x 2 patches. A video of Qwen2-VL and 2.5-VL has up
// to 14 frames of that size, two to a step; one of Qwen3-VL and later has 12,288 squares, however many
// frames it has, and before each frame its time, which vLLM reckons as 11.5 tokens for each square.
// Sources: preprocessor_config.json of these models; Qwen2VLProcessingInfo and Qwen3VLProcessingInfo in
// vllm/model_executor/models.
const (
	qwenSquares      = 16384
	qwenVideoSquares = 12288
	qwenTimestamps   = qwenVideoSquares * 23 / 2
	qwenMerged       = 4
	qwenSteps        = 7
)

func qwen2Media(b *modelBuilder, _, _ *configFields) []MediaItem {
	picture := MediaItem{Kind: PictureMedia, Vectors: qwenSquares, Patches: qwenMerged * qwenSquares}
	video := picture
	video.Kind, video.MostSteps = VideoMedia, qwenSteps
	b.model.RotaryTables = ropeTables
	return []MediaItem{picture, video}
}

func qwen3Media(b *modelBuilder, _, vision *configFields) []MediaItem {
	levels := int64(len(vision.readInts("deepstack_visual_indexes")))
	b.model.MediaWidth, b.model.RotaryTables = b.model.Hidden*(1+levels), ropeTables
	return []MediaItem{
		{Kind: PictureMedia, Vectors: qwenSquares, Patches: qwenMerged * qwenSquares},
		{Kind: VideoMedia, Vectors: qwenVideoSquares, Between: qwenTimestamps, Patches: qwenMerged * qwenVideoSquares},
	}
}

// fixedMedia are pictures of one size.
func fixedMedia(vectors, between int64) mediaReader {
	return func(b *modelBuilder, _, _ *configFields) []MediaItem {
		return []MediaItem{{Kind: PictureMedia, Vectors: vectors, Between: between, Patches: b.model.Tower.Patches}}
	}
}

// gemma3Media are pictures that the projector makes mm_tokens_per_image vectors of, between two marks
// and two blank lines.
func gemma3Media(b *modelBuilder, outer, _ *configFields) []MediaItem {
	vectors := outer.readDimension("mm_tokens_per_image")
	if vectors == 0 {
		vectors = 256
	}
	return []MediaItem{{Kind: PictureMedia, Vectors: vectors, Between: 4, Patches: b.model.Tower.Patches}}
}

// gemma4Media are pictures of 280 vectors and videos of 32 frames of 70, nine patches to each vector, and
// sounds of 30 seconds. The times and marks of a video's frames count as vectors. Source: Gemma4ProcessingInfo in
// vllm/model_executor/models/gemma4_mm.py.
func gemma4Media(_ *modelBuilder, outer, _ *configFields) []MediaItem {
	const frames, ofFrame, marks = 32, 70, 8
	items := []MediaItem{
		{Kind: PictureMedia, Vectors: gemma4Patches / 9, Between: 4, Patches: gemma4Patches},
		{Kind: VideoMedia, Vectors: frames * (ofFrame + marks), Patches: 9 * frames * ofFrame},
	}
	if outer.readObject("audio_config") != nil {
		items = append(items, MediaItem{Kind: SoundMedia, Vectors: 750, Between: 4, Patches: 3000})
	}
	return items
}

// pixtralMedia are pictures of up to image_size to each side, of which the projector joins neighbours; a mark
// ends each row.
func pixtralMedia(b *modelBuilder, outer, _ *configFields) []MediaItem {
	merge := outer.readDimension("spatial_merge_size")
	if merge == 0 {
		merge = 2
	}
	rows := int64(1)
	for (rows+1)*(rows+1)*merge*merge <= b.model.Tower.Patches && rows < maxPatch {
		rows++
	}
	return []MediaItem{{Kind: PictureMedia, Vectors: rows * rows, Between: rows, Patches: b.model.Tower.Patches}}
}

// llavaNextMedia are pictures cut into up to four tiles, beside the whole of it, with a mark after each row.
func llavaNextMedia(b *modelBuilder, _, _ *configFields) []MediaItem {
	tile := b.model.Tower.Patches
	side := squareRoot(tile)
	return []MediaItem{{Kind: PictureMedia, Vectors: 5*tile + 2*side, Patches: 5 * (tile + 1)}}
}

// oneVisionMedia are pictures of up to nine tiles after they are shrunk, of up to 36 in the tower, and videos of
// which each frame is a quarter of a tile. Source: LlavaOnevisionProcessingInfo.
func oneVisionMedia(b *modelBuilder, _, _ *configFields) []MediaItem {
	tile := b.model.Tower.Patches
	side := squareRoot(tile)
	frame := ((side + 1) / 2) * ((side + 1) / 2)
	return []MediaItem{
		{Kind: PictureMedia, Vectors: 10*tile + 3*side, Patches: 37 * tile},
		{Kind: VideoMedia, Vectors: frame, Between: 1, Patches: tile, MostSteps: 16},
	}
}

// longestVideo is the most frames of a video that is as long as its request, of any model.
const longestVideo = 4096

// internMedia are pictures of up to max_dynamic_patch tiles and the whole of it, and videos of a tile each frame.
func internMedia(b *modelBuilder, outer, _ *configFields) []MediaItem {
	ratio := outer.readShare(0.5, "downsample_ratio")
	tile := int64(float64(b.model.Tower.Patches) * ratio * ratio)
	tiles := outer.readWithin(1, 64, []string{"max_dynamic_patch"})
	if tiles == 0 {
		tiles = 12
	}
	if tiles > 1 && outer.readFlag(true, "use_thumbnail") {
		tiles++
	}
	seen := b.model.Tower.Patches + 1
	return []MediaItem{
		{Kind: PictureMedia, Vectors: tiles * tile, Between: 2, Patches: tiles * seen},
		{Kind: VideoMedia, Vectors: tile, Patches: seen, MostSteps: longestVideo, BesidePicture: true},
	}
}

// shuffledMedia are pictures of up to sixteen tiles and the whole of it, as Idefics3 cuts them.
func shuffledMedia(b *modelBuilder, outer, _ *configFields) []MediaItem {
	const tiles = 17
	scale := outer.readDimension("scale_factor")
	if scale == 0 {
		scale = 2
	}
	tile := b.model.Tower.Patches / (scale * scale)
	return []MediaItem{{Kind: PictureMedia, Vectors: tiles * tile, Between: 4 * tiles, Patches: tiles * b.model.Tower.Patches}}
}

// llama4Media are pictures of up to sixteen tiles and the whole of it, of which a quarter of the patches is kept.
func llama4Media(b *modelBuilder, _, vision *configFields) []MediaItem {
	const tiles = 17
	ratio := vision.readShare(0.5, "pixel_shuffle_ratio")
	tile := int64(float64(b.model.Tower.Patches) * ratio * ratio)
	seen := tiles * (b.model.Tower.Patches + 1)
	return []MediaItem{{Kind: PictureMedia, Vectors: tiles * tile, Between: tiles + 4, Patches: seen}}
}

// wholeMedia are pictures that are looked at once, with a vector for each patch.
func wholeMedia(b *modelBuilder, _, _ *configFields) []MediaItem {
	return []MediaItem{{Kind: PictureMedia, Vectors: b.model.Tower.Patches, Patches: b.model.Tower.Patches + 1}}
}

// moonMedia are pictures of up to 4,096 patches, of which neighbours are joined. Source: in_token_limit in
// preprocessor_config.json of moonshotai/Kimi-VL-A3B-Instruct.
func moonMedia(*modelBuilder, *configFields, *configFields) []MediaItem {
	const patches, joined = 4096, 4
	return []MediaItem{{Kind: PictureMedia, Vectors: patches / joined, Patches: patches}}
}

// squareRoot is the largest number of which the square is at most n.
func squareRoot(n int64) int64 {
	root := int64(0)
	for (root+1)*(root+1) <= n && root < maxDimension {
		root++
	}
	return root
}

// ropeTables is how many times the model's length a table of rotary positions in three directions is long in
// vLLM. Source: MRotaryEmbedding in vllm/model_executor/layers/rotary_embedding/mrope.py.
const ropeTables = 4

// readRotaryTables is ropeTables for models that have positions in three directions, and 1 for others.
func (b *modelBuilder) readRotaryTables() int64 {
	for _, key := range []string{"rope_scaling", "rope_parameters"} {
		if rope := b.readObject(key); rope != nil && rope.hasKey("mrope_section") {
			return ropeTables
		}
	}
	return 1
}
