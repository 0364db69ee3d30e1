package dra

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	resourceapi "k8s.io/api/resource/v1"
	dracel "k8s.io/dynamic-resource-allocation/cel"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// checkSelectors reports the first selector of the claims or of their classes that does
// not compile: by claim, request and field, with the compiler's reason and the form that
// works, as far as it can be told what was meant.
func (s *Source) checkSelectors(claims []*resourceapi.ResourceClaim, classes fwk.DeviceClassLister) error {
	for _, claim := range claims {
		for i := range claim.Spec.Devices.Requests {
			request := &claim.Spec.Devices.Requests[i]
			if request.Exactly != nil {
				where := fmt.Sprintf("%s: request %s", nameOfClaim(claim), request.Name)
				if err := s.checkRequest(where, request.Exactly.DeviceClassName, request.Exactly.Selectors, classes); err != nil {
					return err
				}
			}
			for j := range request.FirstAvailable {
				sub := &request.FirstAvailable[j]
				where := fmt.Sprintf("%s: request %s/%s", nameOfClaim(claim), request.Name, sub.Name)
				if err := s.checkRequest(where, sub.DeviceClassName, sub.Selectors, classes); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// nameOfClaim names a claim as its pod does, if it was made for one.
func nameOfClaim(claim *resourceapi.ResourceClaim) string {
	if entry := claim.Annotations[resourceapi.PodResourceClaimAnnotation]; entry != "" {
		return fmt.Sprintf("claim %s of the pod", entry)
	}
	return "claim " + claim.Name
}

// checkRequest looks at the selectors of one request and of its class.
func (s *Source) checkRequest(where, className string, selectors []resourceapi.DeviceSelector, classes fwk.DeviceClassLister) error {
	class, err := classes.Get(className)
	if err != nil {
		return nil //nolint:nilerr // that the class is missing is said where it is read
	}
	driver := driverOfClass(class)
	if err := s.checkExpressions("device class "+className, driver, class.Spec.Selectors); err != nil {
		return err
	}
	return s.checkExpressions(where, driver, selectors)
}

func (s *Source) checkExpressions(where, driver string, selectors []resourceapi.DeviceSelector) error {
	for i := range selectors {
		if selectors[i].CEL == nil {
			continue
		}
		if err := s.checkExpression(fmt.Sprintf("%s: selectors[%d]", where, i), driver, selectors[i].CEL.Expression); err != nil {
			return err
		}
	}
	return nil
}

func (s *Source) checkExpression(where, driver, expression string) error {
	program := s.expressions.GetOrCompile(expression)
	if program.Error == nil {
		return nil
	}
	form := workingForm(expression, driver)
	if form == "" {
		form = fmt.Sprintf(`a selector that works: device.attributes[%q].productName == "NVIDIA L40S"`, driver)
	}
	reason, line, column := compilerReason(program)
	room := max(minExcerpt, maxSelectorError-len(where)-len(reason)-len(form))
	return fmt.Errorf("%s, %s, does not compile: %s; %s", where, excerptAround(expression, line, column, room), reason, form)
}

// checkClasses is checkSelectors for the classes behind a pod's extended resources.
func (s *Source) checkClasses(request *PodRequest) error {
	for i := range request.requests {
		if request.requests[i].resource == "" {
			continue
		}
		sub := &request.requests[i].alternatives[0]
		for j, expression := range sub.selectors {
			if err := s.checkExpression(fmt.Sprintf("device class %s: selectors[%d]", sub.class, j), deviceapi.Driver, expression); err != nil {
				return err
			}
		}
	}
	return nil
}

// classDriver finds the driver that a device class's selector names.
var classDriver = regexp.MustCompile(`device\.driver\s*==\s*["']([^"']+)["']`)

// driverOfClass is the driver that a class selects, ours if it names none.
func driverOfClass(class *resourceapi.DeviceClass) string {
	for _, selector := range class.Spec.Selectors {
		if selector.CEL == nil {
			continue
		}
		if match := classDriver.FindStringSubmatch(selector.CEL.Expression); match != nil {
			return match[1]
		}
	}
	return deviceapi.Driver
}

// compilerPrefix is what the compiler writes before its reasons.
var compilerPrefix = regexp.MustCompile(`^(?:compilation failed: )?(?:ERROR: <input>:(\d+):(\d+): )?`)

// compilerReason is the first reason of a failed compilation, without the drawing below it,
// with the line and the column that it is about, from 1; 0 for none.
func compilerReason(program dracel.CompilationResult) (reason string, line, column int) {
	text, _, _ := strings.Cut(program.Error.Error(), "\n")
	text, _, _ = strings.Cut(text, " expecting {") // a list of all tokens
	match := compilerPrefix.FindStringSubmatch(text)
	reason = strings.TrimPrefix(text, match[0])
	line, _ = strconv.Atoi(match[1]) // digits, or nothing
	column, _ = strconv.Atoi(match[2])
	switch {
	case line > 1:
		reason += fmt.Sprintf(" at line %d, column %d", line, column)
	case line == 1:
		reason += fmt.Sprintf(" at column %d", column)
	}
	return reason, line, column
}

// maxSelectorError is how long an error should be, so that the form that works is not cut off,
// and minExcerpt how much of an expression is repeated at least.
const maxSelectorError, minExcerpt = 325, 40

// excerptAround is an expression on one line: so many characters at a line and column if it is
// longer.
func excerptAround(expression string, line, column, room int) string {
	if whole := strings.Join(strings.Fields(expression), " "); len(whole) <= room {
		return whole
	}
	text := []rune(expression)
	if lines := strings.Split(expression, "\n"); line >= 1 && line <= len(lines) {
		text = []rune(lines[line-1])
	}
	from := min(max(0, column-room*2/3), max(0, len(text)-room))
	for from > 0 && from < len(text) && text[from-1] != ' ' {
		from++ // to the next word
	}
	to := min(from+room, len(text))
	excerpt := strings.Join(strings.Fields(string(text[from:to])), " ")
	if from > 0 {
		excerpt = "... " + excerpt
	}
	if to < len(text) {
		excerpt += " ..."
	}
	return excerpt
}

// quantityText is an amount with a unit, quoted or not, such as 80Gi, "80GB", quantity("1Gi").
const quantityText = `(?:quantity\()?["']?(\d+(?:\.\d+)?)\s*([KMGTP]i?|)B?["']?\)?`

// What is commonly written in place of what works.
var (
	comparedMemory = regexp.MustCompile(`(?i)\b(?:device|gpu)\b[^&|]*memory["']?\]?(?:\.[a-zA-Z]+\()?\s*` +
		`(>=|<=|==|!=|>|<|)\s*` + quantityText)
	comparedVersion  = regexp.MustCompile(`(\S+?)\s*(>=|<=|==|>|<)\s*semver\(["']([^"']+)["']\)`)
	versionInQuotes  = regexp.MustCompile(`(\S+[vV]ersion|\S+Capability)\s*(>=|<=|==|>|<)\s*["'](\d+\.\d+\.\d+)["']`)
	versionAsText    = regexp.MustCompile(`(\S+?)\.compareTo\(\s*["'](\d+)\.?(\d*)\.?(\d*)["']\s*\)`)
	singleEquals     = regexp.MustCompile(`[^=!<>]=[^=]`)
	directProperty   = regexp.MustCompile(`\bdevice\.(attributes\.|capacity\.)?([a-zA-Z]+)\b`)
	propertyInDomain = regexp.MustCompile(`device\.(attributes|capacity)\[["']([^"'/]+)/([^"']+)["']\]`)
)

// workingForm says how to write what an expression that does not compile, or cannot be
// evaluated, seems to mean; "" if that cannot be told.
func workingForm(expression, driver string) string {
	if match := comparedMemory.FindStringSubmatch(expression); match != nil {
		operator, unit := match[1], match[3]
		if operator == "" {
			operator = ">="
		}
		switch {
		case unit == "":
			unit = "Gi"
		case !strings.HasSuffix(unit, "i") && strings.Contains(expression, unit+"B"):
			unit += "i" // who writes 80GB means what is sold as such
		}
		amount, hint := memoryOnOffer(match[2] + unit)
		return fmt.Sprintf("write device.capacity[%q].memory.compareTo(quantity(%q)) %s 0%s", driver, amount, operator, hint)
	}
	if match := versionInQuotes.FindStringSubmatch(expression); match != nil {
		return fmt.Sprintf("write %s.compareTo(semver(%q)) %s 0", match[1], match[3], match[2])
	}
	if match := comparedVersion.FindStringSubmatch(expression); match != nil {
		return fmt.Sprintf("write %s.compareTo(semver(%q)) %s 0", match[1], match[3], match[2])
	}
	if match := versionAsText.FindStringSubmatch(expression); match != nil {
		version := match[2]
		for _, part := range match[3:] {
			if part == "" {
				part = "0"
			}
			version += "." + part
		}
		return fmt.Sprintf("write %s.compareTo(semver(%q)) >= 0", match[1], version)
	}
	if match := propertyInDomain.FindStringSubmatch(expression); match != nil {
		return fmt.Sprintf("write device.%s[%q].%s", match[1], match[2], match[3])
	}
	for _, match := range directProperty.FindAllStringSubmatch(expression, -1) {
		name := match[2]
		switch {
		case match[1] == "capacity." || name == deviceapi.Memory:
			return fmt.Sprintf(`write device.capacity[%q].%s.compareTo(quantity("40Gi")) >= 0`, driver, name)
		case match[1] == "attributes.":
			return fmt.Sprintf("write device.attributes[%q].%s", driver, name)
		case name != "driver" && name != "attributes" && name != "capacity" && name != "allowMultipleAllocations":
			return fmt.Sprintf("a device has driver, attributes[%q].NAME and capacity[%q].NAME: write device.attributes[%q].%s",
				driver, driver, driver, name)
		}
	}
	if singleEquals.MatchString(expression) {
		return "compare with =="
	}
	return ""
}
