package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
)

var (
	//go:embed base.css
	baseStyle string
	//go:embed base.js
	baseScript string
	//go:embed map.js
	mapScript string
)

// WriteStyle is the style of a page with rules of its own.
func WriteStyle(own string) string { return baseStyle + "\n" + own }

// WriteScript is the script of a page. What own says stands in one function with base.js and
// map.js, and sees what they define.
func WriteScript(own string) string {
	return "(() => {\n\"use strict\";\n\n" + baseScript + "\n" + mapScript + "\n" + own + "})();\n"
}

// ContentHash is how a Content-Security-Policy names a script or style.
func ContentHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
