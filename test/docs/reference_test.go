package docs

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ashlar-dev/ashlar/internal/apiserver"
	config "github.com/ashlar-dev/ashlar/plugins/apis/config/v1"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// sourceConstant is a string constant of the source, with the comment above or beside it.
type sourceConstant struct{ folder, name, value, comment string }

// listConstants lists the string constants of the code that is no test, below some folders.
func listConstants(t *testing.T, folders ...string) []sourceConstant {
	t.Helper()
	var all []sourceConstant
	for _, folder := range folders {
		eachSource(t, folder, func(file string, syntax *ast.File) {
			for _, declaration := range syntax.Decls {
				group, ok := declaration.(*ast.GenDecl)
				if !ok || group.Tok != token.CONST {
					continue
				}
				for _, spec := range group.Specs {
					all = append(all, constantsOf(filepath.Dir(file), group, spec.(*ast.ValueSpec))...)
				}
			}
		})
	}
	return all
}

func constantsOf(folder string, group *ast.GenDecl, spec *ast.ValueSpec) []sourceConstant {
	var all []sourceConstant
	for i, name := range spec.Names {
		if i >= len(spec.Values) {
			continue
		}
		literal, ok := spec.Values[i].(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			continue
		}
		value, err := strconv.Unquote(literal.Value)
		if err != nil {
			continue
		}
		comment := spec.Doc.Text() + spec.Comment.Text()
		if comment == "" && !group.Lparen.IsValid() {
			comment = group.Doc.Text()
		}
		all = append(all, sourceConstant{folder, name.Name, value, strings.Join(strings.Fields(comment), " ")})
	}
	return all
}

// eachSource reads the Go files below a folder of the repository, tests aside.
func eachSource(t *testing.T, folder string, visit func(file string, syntax *ast.File)) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(root, folder), func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go") {
			return err
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, file)
		visit(filepath.ToSlash(relative), syntax)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// sentenceOf makes a sentence of the comment of a constant, without its name and "is".
func (c *sourceConstant) sentenceOf() string {
	text := strings.TrimSuffix(c.comment, ".")
	text = strings.TrimPrefix(text, c.name+" ")
	return strings.TrimPrefix(text, "is ")
}

var publicName = regexp.MustCompile(`^ashlar\.dev/[a-z][a-z-]*$`)

// internalNames are keys of indexes and of cycles' state, which nobody writes.
var internalNames = []string{"ashlar.dev/pool", "ashlar.dev/owner-pod", "ashlar.dev/pod-group"}

// annotationTable lists the annotations and labels that Ashlar reads or writes, by name.
func annotationTable(t *testing.T) string {
	byName := map[string][]string{}
	for _, c := range listConstants(t, "topology", "plugins", "dra", "cmd") {
		if !publicName.MatchString(c.value) || slices.Contains(internalNames, c.value) {
			continue
		}
		if said := c.sentenceOf(); said != "" && !slices.Contains(byName[c.value], said) {
			byName[c.value] = append(byName[c.value], said)
		} else if byName[c.value] == nil {
			byName[c.value] = []string{}
		}
	}
	var rows [][]string
	for name, said := range byName {
		if len(said) == 0 {
			t.Errorf("the constant with the value %q has no comment: say what it means, for docs/reference.md", name)
		}
		slices.Sort(said)
		rows = append(rows, []string{"`" + name + "`", strings.Join(said, ". ")})
	}
	slices.SortFunc(rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	return markdownTable([]string{"name", "meaning"}, rows)
}

// eventReason is a word like DevicesAllocated.
var eventReason = regexp.MustCompile(`^[A-Z][A-Za-z]+$`)

// listEventReasons finds the reasons of events in the code: constants called so, the Reason of a
// notice of the driver, what is assigned to a variable of that name, and what is handed to RecordEvent.
func listEventReasons(t *testing.T) []string {
	var reasons []string
	for _, c := range listConstants(t, "plugins", "dra", "cmd") {
		if strings.HasPrefix(c.name, "reason") && eventReason.MatchString(c.value) {
			reasons = append(reasons, c.value)
		}
	}
	note := func(expression ast.Expr) {
		literal, ok := expression.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return
		}
		if text, err := strconv.Unquote(literal.Value); err == nil && eventReason.MatchString(text) {
			reasons = append(reasons, text)
		}
	}
	for _, folder := range []string{"plugins", "dra", "cmd"} {
		eachSource(t, folder, func(_ string, syntax *ast.File) {
			ast.Inspect(syntax, func(node ast.Node) bool {
				switch node := node.(type) {
				case *ast.CompositeLit:
					if name, ok := node.Type.(*ast.Ident); !ok || name.Name != "Notice" {
						return true
					}
					for _, element := range node.Elts {
						if pair, ok := element.(*ast.KeyValueExpr); ok && fmt.Sprint(pair.Key) == "Reason" {
							note(pair.Value)
						}
					}
				case *ast.AssignStmt:
					if len(node.Lhs) == 1 && fmt.Sprint(node.Lhs[0]) == "reason" {
						note(node.Rhs[0])
					}
				case *ast.CallExpr:
					if called, ok := node.Fun.(*ast.SelectorExpr); ok && called.Sel.Name == "RecordEvent" && len(node.Args) > 2 {
						note(node.Args[2])
					}
				}
				return true
			})
		})
	}
	slices.Sort(reasons)
	return slices.Compact(reasons)
}

// docs/reference.md has every reason of an event, and no other.
func TestEventsAreDocumented(t *testing.T) {
	_, section, _ := strings.Cut(readPage(t, "docs/reference.md"), "## Events")
	section, _, _ = strings.Cut(section, "\n## ")
	var documented []string
	for _, match := range regexp.MustCompile("(?m)^\\| `([A-Za-z]+)`").FindAllStringSubmatch(section, -1) {
		documented = append(documented, match[1])
	}
	slices.Sort(documented)
	if diff := cmp.Diff(listEventReasons(t), documented); diff != "" {
		t.Errorf("events of the code and of docs/reference.md (-code +page):\n%s", diff)
	}
}

// argumentTable lists the fields of DevicePlacementArgs with their defaults.
func argumentTable(t *testing.T) string {
	var defaults config.DevicePlacementArgs
	config.SetDefaultsDevicePlacementArgs(&defaults)
	comments := map[string]string{}
	eachSource(t, "plugins/apis/config/v1", func(_ string, syntax *ast.File) {
		ast.Inspect(syntax, func(node ast.Node) bool {
			if field, ok := node.(*ast.Field); ok && len(field.Names) == 1 && field.Doc != nil {
				comments[field.Names[0].Name] = strings.Join(strings.Fields(field.Doc.Text()), " ")
			}
			return true
		})
	})
	var rows [][]string
	value := reflect.ValueOf(defaults)
	for i := range value.NumField() {
		field := value.Type().Field(i)
		if field.Type == reflect.TypeFor[metav1.TypeMeta]() {
			continue
		}
		shown, err := json.Marshal(value.Field(i).Interface())
		if err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		c := sourceConstant{name: field.Name, comment: comments[field.Name]}
		rows = append(rows, []string{"`" + name + "`", "`" + strings.Trim(string(shown), `"`) + "`", c.sentenceOf()})
	}
	return markdownTable([]string{"field", "default", "meaning"}, rows)
}

// featureTable says since which Kubernetes what Ashlar builds on is on by default.
func featureTable(*testing.T) string {
	var rows [][]string
	for _, group := range []struct {
		who      string
		features []apiserver.Feature
	}{{"scheduler", apiserver.SchedulerFeatures()}, {"driver", apiserver.DriverFeatures()}, {"scheduler, watched", apiserver.WatchedFeatures()}} {
		for _, f := range group.features {
			if i := slices.IndexFunc(rows, func(row []string) bool { return row[0] == "`"+f.Gate+"`" }); i >= 0 {
				rows[i][1] += ", " + group.who
				continue
			}
			row := []string{"`" + f.Gate + "`", group.who}
			for minor := uint(34); minor <= 37; minor++ {
				switch {
				case f.Since == 0:
					row = append(row, "if switched on")
				case minor >= f.Since:
					row = append(row, "yes")
				default:
					row = append(row, "if switched on")
				}
			}
			rows = append(rows, append(row, f.Without))
		}
	}
	return markdownTable([]string{"feature gate", "for", "1.34", "1.35", "1.36", "1.37", "without it"}, rows)
}

// modelTable lists the GPUs of the catalogue.
func modelTable(t *testing.T) string {
	c := catalogue.Default()
	machines := map[string]int{}
	for _, name := range c.Machines() {
		if machine, err := c.Machine(name); err == nil {
			seen := map[string]bool{}
			for _, gpu := range machine.Node.GPUs {
				if !seen[gpu.Model.Name] {
					seen[gpu.Model.Name] = true
					machines[gpu.Model.Name]++
				}
			}
		}
	}
	var rows [][]string
	for _, model := range c.Models() {
		profiles, nvlink := "-", "-"
		if model.MIG != "" {
			table, err := c.MIG(model.MIG)
			if err != nil {
				t.Fatal(err)
			}
			profiles = strconv.Itoa(len(table.Profiles))
		}
		if model.LaneGBps > 0 {
			nvlink = fmt.Sprintf("%d GB/s a link", model.LaneGBps)
		}
		rows = append(rows, []string{
			model.Name,
			model.Product,
			model.Memory.String(),
			model.Compute.String(),
			profiles,
			nvlink,
			strconv.Itoa(machines[model.Name]),
			model.Confidence,
		})
	}
	return markdownTable([]string{"GPU", "as NVML names it", "memory", "compute", "MIG profiles", "NVLink", "machine types", "figures"}, rows)
}
