package model

import (
	"regexp"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
)

// ggufBits are the bits of a weight in GGUF files by the name of their format, in thousandths, embedding and head
// included. Source: the table of tools/quantize in llama.cpp, of a model with 8B parameters; other models differ by a few
// percent.
var ggufBits = map[string]int64{
	"IQ1_S": 2004, "IQ1_M": 2146, "IQ2_XXS": 2382, "IQ2_XS": 2588, "IQ2_S": 2740, "IQ2_M": 2929, "IQ3_XXS": 3255, "IQ3_XS": 3498,
	"IQ3_S": 3661, "IQ3_M": 3763, "IQ4_XS": 4460, "IQ4_NL": 4682, "Q2_K_S": 2970, "Q2_K": 3159, "Q3_K_S": 3643, "Q3_K_M": 3996,
	"Q3_K_L": 4298, "Q4_K_S": 4667, "Q4_K_M": 4894, "Q5_K_S": 5570, "Q5_K_M": 5704, "Q6_K": 6563, "Q8_0": 8501, "F16": 16000, "BF16": 16000,
}

var ggufWord = regexp.MustCompile(`(?i)(?:^|[^A-Za-z0-9])((?:IQ|Q)[1-8]_[A-Z0-9]+(?:_[A-Z]{1,3})?|B?F16)(?:$|[^A-Za-z0-9_])`)

// GGUFFormat is the format that the name of a GGUF file, or of a model with one behind a colon, tells; "" if it tells none.
func GGUFFormat(text string) string {
	for _, match := range ggufWord.FindAllStringSubmatch(text, -1) {
		if name := strings.ToUpper(match[1]); ggufBits[name] > 0 {
			return name
		}
	}
	return ""
}

// WithGGUF is the model with its weights as a GGUF file of a format that GGUFFormat tells has them.
func (m *Model) WithGGUF(format string) *Model {
	copied := *m
	copied.Quantisation = "GGUF " + format
	copied.Published = topology.Bytes(m.Parameters() / 8000 * ggufBits[format])
	return &copied
}
