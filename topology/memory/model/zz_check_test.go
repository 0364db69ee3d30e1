package model

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"
)

func TestZZ(t *testing.T) {
	files, _ := filepath.Glob("/tmp/research/known/*.json")
	src, _ := os.ReadFile("/tmp/research/known/SOURCES.md")
	pub := map[string]int64{}
	re := regexp.MustCompile(`(?m)^- (\S+): .*published (\d+)`)
	for _, m := range re.FindAllStringSubmatch(string(src), -1) {
		n, _ := strconv.ParseInt(m[2], 10, 64)
		pub[m[1]] = n
	}
	size := map[string]int64{}
	for _, name := range []string{"/tmp/research/index_sizes.csv"} {
		if f, err := os.Open(name); err == nil {
			r := csv.NewReader(f)
			r.FieldsPerRecord = -1
			r.LazyQuotes = true
			rows, _ := r.ReadAll()
			for _, row := range rows {
				for _, c := range row[1:] {
					if n, err := strconv.ParseInt(c, 10, 64); err == nil && n > 1<<20 {
						size[row[0]] = n
						break
					}
				}
			}
		}
	}
	verbose := os.Getenv("V") != ""
	counts := map[string]int{}
	for _, file := range files {
		text, _ := os.ReadFile(file)
		models := map[string]json.RawMessage{}
		if err := json.Unmarshal(text, &models); err != nil {
			t.Errorf("%s %v", file, err)
		}
		names := []string{}
		for n := range models {
			names = append(names, n)
		}
		sort.Strings(names)
		for _, n := range names {
			if models[n][0] == '"' {
				if _, ok := size[n]; ok {
					var a string
					json.Unmarshal(models[n], &a)
					for _, f2 := range files {
						x, _ := os.ReadFile(f2)
						mm := map[string]json.RawMessage{}
						json.Unmarshal(x, &mm)
						if v, ok := mm[a]; ok {
							models[n] = v
						}
					}
				}
				if models[n][0] == '"' {
					continue
				}
			}
			m, err := Parse(models[n])
			if err != nil {
				counts["fail"]++
				fmt.Printf("FAIL %s: %v\n", n, err)
				continue
			}
			counts["ok"]++
			line := fmt.Sprintf("%-55s %-16s %16d params %17d B", n, m.Type, m.Parameters(), m.Stored())
			bad := false
			if p := pub[n]; p > 0 {
				e := 100 * (float64(m.Parameters())/float64(p) - 1)
				line += fmt.Sprintf("  pub %d %+.4f%%", p, e)
				counts["pub"]++
				bad = math.Abs(e) > 0
			}
			if p := size[n]; p > 0 {
				e := 100 * (float64(m.Stored())/float64(p) - 1)
				var text int64
				m.each(func(t *Tensor, n int64) {
					if t.Part != Tower && t.Part != Draft {
						text += n * t.Elements()
					}
				})
				if math.Abs(e) > 20 {
					e = 100 * (float64(text)/float64(p) - 1)
					line += fmt.Sprint(" text ", text)
				}
				line += fmt.Sprintf("  size %d %+.4f%%", p, e)
				counts["size"]++
				bad = bad || math.Abs(e) > 0.01
			}
			if bad || verbose || strings.Contains(n, os.Getenv("N")) && os.Getenv("N") != "" {
				fmt.Println(line)
			}
		}
	}
	fmt.Println(counts)
}
