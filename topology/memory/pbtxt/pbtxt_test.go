package pbtxt

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const densenet = `
name: "densenet_onnx"
platform: "onnxruntime_onnx"
max_batch_size : 32
input [
  { name: "data_0" data_type: TYPE_FP32 format: FORMAT_NCHW dims: [ 3, 224, 224 ] }
]
output { name: 'fc6_1', dims: [1000] } # a comment { 
instance_group [ { count: 2 kind: KIND_GPU gpus: [ 0 ] }, { count: 4; kind: KIND_CPU } ]
dynamic_batching { preferred_batch_size: [ 4, 8 ] max_queue_delay_microseconds: 100 }
parameters: { key: "A\"B" value: { string_value: "x" } }
`

func TestReadModelConfig(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want ModelConfig
		err  string
	}{
		"groups on a GPU and the CPU": {densenet, ModelConfig{"densenet_onnx", "onnxruntime", 32, 2}, ""},
		"nothing stated":              {"", ModelConfig{Instances: 1}, ""},
		"backend over platform":       {`platform: "pytorch_libtorch" backend: "python"`, ModelConfig{Backend: "python", Instances: 1}, ""},
		"on the CPU":                  {`instance_group { kind: KIND_CPU }`, ModelConfig{}, ""},
		"angle brackets":              {`instance_group < count: 3 >`, ModelConfig{Instances: 3}, ""},
		"negative":                    {"\nmax_batch_size: -1", ModelConfig{}, `line 2: max_batch_size: "-1": want a whole number from 0`},
		"no copies":                   {"instance_group { count: 0 }", ModelConfig{}, `count: "0": want a whole number from 1`},
		"open string":                 {`name: "x`, ModelConfig{}, "a string is not closed"},
		"open message":                {"input {", ModelConfig{}, `"the end" where a field's name should stand`},
		"no value":                    {"name: }", ModelConfig{}, "field name has no value"},
		"deep":                        {strings.Repeat("a {", 50), ModelConfig{}, "more than 32 deep"},
		"JSON":                        {`{"name": "x"}`, ModelConfig{}, `"{" where a field's name should stand`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ReadModelConfig(tc.text)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("error %v, want %q in it", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzModelConfig holds that any text is read or refused, with counts within their bounds.
func FuzzModelConfig(f *testing.F) {
	for _, seed := range []string{densenet, "", "a", "a:", "a{b<c[d]>}", `"`, "[", "instance_group[{},{}]", "#", "a: 'b' \"c\""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ReadModelConfig(text)
		if err == nil && (c.MaxBatchSize < 0 || c.MaxBatchSize > maxCount || c.Instances < 0) {
			t.Errorf("%+v", c)
		}
	})
}
