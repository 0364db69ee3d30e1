package plan

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	goyaml "go.yaml.in/yaml/v3"
	resourceapi "k8s.io/api/resource/v1"
	"sigs.k8s.io/yaml"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/plugins/claim"
)

// writeClaims writes a ResourceClaimTemplate for each server, all or none.
func writeClaims(w io.Writer, answers []*serverAnswer) error {
	var text bytes.Buffer
	names := map[string]int{}
	for i, answer := range answers {
		sizing, err := claim.NewSizing(answer.Answer)
		var nothing *claim.NothingToClaim
		switch {
		case errors.As(err, &nothing) && nothing.Fitting == 0:
			return cli.NothingFits{Message: answer.refusalText() + ", so that there is nothing to claim"}
		case errors.As(err, &nothing):
			return cli.NothingFits{Message: err.Error()}
		case err != nil:
			return err
		}
		if i > 0 {
			text.WriteString("---\n")
		}
		name := claim.NameFor(sizing.Model)
		if names[name]++; names[name] > 1 {
			name = fmt.Sprintf("%s-%d", name, names[name])
		}
		if err := writeTemplate(&text, sizing, name, answer.notes); err != nil {
			return fmt.Errorf("writing ResourceClaimTemplate %s: %w", name, err)
		}
	}
	_, err := w.Write(text.Bytes())
	return err
}

// writeTemplate writes the sized ResourceClaimTemplate as YAML, with what people should
// know about it in comments: what it is sized for, notes, and which GPUs each alternative
// is.
func writeTemplate(w io.Writer, sizing *claim.Sizing, name string, notes []string) error {
	for _, line := range headComment(sizing, notes) {
		if _, err := fmt.Fprintf(w, "# %s\n", inOneLine(line)); err != nil {
			return err
		}
	}
	document, err := documentNode(sizing.ClaimTemplate(name))
	if err != nil {
		return err
	}
	devices := nodeAt(document, "spec", "spec", "devices")
	if constraints := nodeAt(devices, "constraints"); constraints != nil {
		constraints.Content[0].HeadComment = "# GPUs that share a model must be equal. Those that NVLink connects are preferred anyway;\n" +
			"# add nvlinkIsland here to insist on it."
	}
	const indent = len("        # ")
	for i, alternative := range nodeAt(nodeAt(devices, "requests").Content[0], "firstAvailable").Content {
		alternative.HeadComment = "# " + strings.Join(cli.WrapList(sizing.About[i], cli.PageWidth-indent), "\n# ")
	}
	encoder := goyaml.NewEncoder(w)
	encoder.SetIndent(2)
	encoder.CompactSeqIndent()
	return errors.Join(encoder.Encode(document), encoder.Close())
}

// headComment is what stands above the object.
func headComment(sizing *claim.Sizing, notes []string) []string {
	lines := []string{
		fmt.Sprintf("Sized by ashlar plan for %s.", sizing.Model),
		fmt.Sprintf("Asked: %s.", sizing.SizedFor),
	}
	if sizing.Arguments != "" {
		lines = append(lines, "The sizes hold for a server that is started with "+sizing.Arguments)
	}
	for _, note := range notes {
		lines = append(lines, fmt.Sprintf("Note: %s.", note))
	}
	if sizing.GPUs > 1 {
		lines = append(lines, fmt.Sprintf("All alternatives have %d GPUs, as the arguments are the same for all; --tp asks for another number.",
			sizing.GPUs))
	}
	if sizing.LeftOut > 0 {
		lines = append(lines, fmt.Sprintf("%d dearer shares are left out: the API takes %d alternatives.",
			sizing.LeftOut, resourceapi.FirstAvailableDeviceRequestMaxSize))
	}
	return lines
}

// inOneLine keeps text from ending a comment.
func inOneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, text)
}

// documentNode is the object's YAML as a tree, to which comments can be added.
func documentNode(object any) (*goyaml.Node, error) {
	text, err := yaml.Marshal(object)
	if err != nil {
		return nil, err
	}
	var document goyaml.Node
	if err := goyaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	arrangeFields(document.Content[0])
	return document.Content[0], nil
}

// fieldOrder is the order in which people write the fields of a claim; others follow.
var fieldOrder = []string{
	"apiVersion", "kind", "metadata", "name", "annotations", "spec", "deviceClassName", "allocationMode", "count", "selectors",
	"capacity", "firstAvailable", "requests", "constraints",
}

// arrangeFields puts the fields of all mappings in fieldOrder, and leaves out those that
// say nothing.
func arrangeFields(node *goyaml.Node) {
	if node.Kind == goyaml.MappingNode {
		fields := slices.Collect(slices.Chunk(node.Content, 2))
		fields = slices.DeleteFunc(fields, func(field []*goyaml.Node) bool {
			return field[1].Kind == goyaml.MappingNode && len(field[1].Content) == 0
		})
		place := func(field []*goyaml.Node) int {
			if i := slices.Index(fieldOrder, field[0].Value); i >= 0 {
				return i
			}
			return len(fieldOrder)
		}
		slices.SortStableFunc(fields, func(a, b []*goyaml.Node) int { return cmp.Compare(place(a), place(b)) })
		node.Content = slices.Concat(fields...)
	}
	for _, child := range node.Content {
		arrangeFields(child)
	}
}

// nodeAt is the value under keys, one inside the other; nil if there is none.
func nodeAt(node *goyaml.Node, keys ...string) *goyaml.Node {
	for _, key := range keys {
		var found *goyaml.Node
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == key {
				found = node.Content[i+1]
			}
		}
		if node = found; node == nil {
			return nil
		}
	}
	return node
}
