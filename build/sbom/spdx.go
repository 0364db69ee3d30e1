package sbom

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Component is one thing that something consists of.
type Component struct {
	Name, Version string
	// PURL identifies it, https://github.com/package-url/purl-spec.
	PURL string
}

// Document is what is known of an image or a program.
type Document struct {
	// Name and Version are those of what is described, Digest that of an image.
	Name, Version, Digest string
	Created               time.Time
	Components            []Component
}

// notInID is what an SPDX identifier cannot have.
var notInID = regexp.MustCompile(`[^a-zA-Z0-9.-]+`)

type spdxPackage struct {
	ID           string            `json:"SPDXID"`
	Name         string            `json:"name"`
	Version      string            `json:"versionInfo"`
	Download     string            `json:"downloadLocation"`
	Analyzed     bool              `json:"filesAnalyzed"`
	Concluded    string            `json:"licenseConcluded"`
	Declared     string            `json:"licenseDeclared"`
	Copyright    string            `json:"copyrightText"`
	ExternalRefs []spdxExternalRef `json:"externalRefs,omitempty"`
}

type spdxExternalRef struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type spdxRelationship struct {
	From string `json:"spdxElementId"`
	Type string `json:"relationshipType"`
	To   string `json:"relatedSpdxElement"`
}

const noAssertion = "NOASSERTION"

// MarshalJSON is the SPDX document. It is the same for the same components, in whatever
// order they are.
func (d Document) MarshalJSON() ([]byte, error) {
	components := slices.Clone(d.Components)
	slices.SortFunc(components, func(a, b Component) int { return strings.Compare(a.PURL, b.PURL) })
	components = slices.Compact(components)
	const rootID = "SPDXRef-Root"
	packages := []spdxPackage{newPackage(rootID, Component{Name: d.Name, Version: d.Version})}
	relationships := []spdxRelationship{{From: "SPDXRef-DOCUMENT", Type: "DESCRIBES", To: rootID}}
	identity := sha256.New()
	fmt.Fprintln(identity, d.Name, d.Version, d.Digest)
	for i, component := range components {
		id := fmt.Sprintf("SPDXRef-%d-%s", i+1, notInID.ReplaceAllString(component.Name, "-"))
		packages = append(packages, newPackage(id, component))
		relationships = append(relationships, spdxRelationship{From: rootID, Type: "CONTAINS", To: id})
		fmt.Fprintln(identity, component.PURL)
	}
	document := map[string]any{
		"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": d.Name,
		"documentNamespace": fmt.Sprintf("https://github.com/ashlar-dev/ashlar/sbom/%s-%x", d.Name, identity.Sum(nil)[:16]),
		"creationInfo": map[string]any{"created": d.Created.UTC().Format(time.RFC3339),
			"creators": []string{"Tool: ashlar-images"}},
		"packages": packages, "relationships": relationships,
	}
	if d.Digest != "" {
		document["comment"] = "Describes the image " + d.Digest
	}
	return json.Marshal(document)
}

func newPackage(id string, component Component) spdxPackage {
	p := spdxPackage{ID: id, Name: component.Name, Version: component.Version, Download: noAssertion,
		Concluded: noAssertion, Declared: noAssertion, Copyright: noAssertion}
	if component.PURL != "" {
		p.ExternalRefs = []spdxExternalRef{{Category: "PACKAGE-MANAGER", Type: "purl", Locator: component.PURL}}
	}
	return p
}
