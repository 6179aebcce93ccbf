package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decode reads YAML strictly into a pointer to a struct: an unknown or repeated key is an error that names
// its line, its path and the nearest key.
func decode(data []byte, into any) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return oneLine(err)
	}
	if len(doc.Content) == 0 {
		return nil // an empty file: the defaults
	}
	if err := checkKeys(doc.Content[0], reflect.TypeOf(into).Elem(), ""); err != nil {
		return err
	}
	return oneLine(doc.Decode(into))
}

// oneLine joins the several lines of the library's type errors.
func oneLine(err error) error {
	if err == nil {
		return nil
	}
	text := strings.Join(strings.Fields(err.Error()), " ")
	return errors.New(strings.TrimPrefix(text, "yaml: "))
}

// checkKeys walks the document beside the type that it is decoded into.
func checkKeys(node *yaml.Node, t reflect.Type, path string) error {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch {
	case node.Kind == yaml.MappingNode && t.Kind() == reflect.Struct:
		return checkMapping(node, t, path)
	case node.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		for i, item := range node.Content {
			if err := checkKeys(item, t.Elem(), fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
	case t.Kind() == reflect.Struct && node.Tag != "!!null":
		return fmt.Errorf("line %d: %s holds keys, not a value", node.Line, orFile(path))
	case node.Tag == "!!null":
		return fmt.Errorf("line %d: %s has no value; give it one or take the key out", node.Line, orFile(path))
	}
	return checkValue(node, t, path)
}

// checkValue wants a value of the key's kind: the library alone would take 1.5 for a whole number, without its half,
// and would name a wrong one by its line and Go's type.
func checkValue(node *yaml.Node, t reflect.Type, path string) error {
	want, ok := "", true
	switch t.Kind() {
	case reflect.Int:
		want, ok = "a whole number", node.Tag == "!!int"
	case reflect.Bool:
		want, ok = "true or false", node.Tag == "!!bool"
	case reflect.String:
		want, ok = "one value", node.Kind == yaml.ScalarNode
	case reflect.Slice:
		want, ok = "a list", node.Kind == yaml.SequenceNode
	}
	if !ok {
		return fmt.Errorf("line %d: %s: %q is not %s", node.Line, path, node.Value, want)
	}
	return nil
}

func orFile(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}

func checkMapping(node *yaml.Node, t reflect.Type, path string) error {
	fields, names := fieldsOf(t)
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		full := strings.TrimPrefix(path+"."+key.Value, ".")
		field, ok := fields[key.Value]
		if !ok {
			return fmt.Errorf("line %d: unknown key %s; did you mean %s?", key.Line, full, nearest(key.Value, names))
		}
		if seen[key.Value] {
			return fmt.Errorf("line %d: key %s stands twice; keep one", key.Line, full)
		}
		seen[key.Value] = true
		if err := checkKeys(node.Content[i+1], field, full); err != nil {
			return err
		}
	}
	return nil
}

func fieldsOf(t reflect.Type) (map[string]reflect.Type, []string) {
	fields := map[string]reflect.Type{}
	var names []string
	for f := range t.Fields() {
		name := f.Tag.Get("yaml")
		fields[name] = f.Type
		names = append(names, name)
	}
	return fields, names
}

// nearest is the name with the smallest edit distance.
func nearest(word string, names []string) string {
	best, least := "", 1<<30
	for _, name := range names {
		if d := distance(word, name); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance is Levenshtein's, by rows.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitute, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
