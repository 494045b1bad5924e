// Records what Higress's plugin traffic-tag does with requests: a line of JSON for each configuration. It is compiled
// into the package of the plugin, and runs it in the host that Higress tests its plugins with.
package main

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"sort"
	"strings"
	"testing"

	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/types"
	"github.com/higress-group/wasm-go/pkg/test"
)

type request struct {
	Headers [][2]string `json:"headers"`
	// The headers of tags behind the plugin; all that may be, where they are drawn.
	Tags []map[string]string `json:"tags"`
}

type line struct {
	Config   json.RawMessage `json:"config"`
	Requests []request       `json:"requests"`
}

type maker struct{ *rand.Rand }

func (m maker) pick(choices ...string) string { return choices[m.Intn(len(choices))] }

func TestRecord(t *testing.T) {
	file, err := os.Create(os.Getenv("MESHLANE_RECORD"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	encoder := json.NewEncoder(file)
	encoder.SetEscapeHTML(false)
	test.RunGoTest(t, func(t *testing.T) {
		for number := 0; number < 400; number++ {
			m := maker{rand.New(rand.NewSource(int64(4000 + number)))}
			recorded, err := m.line(number%4 == 3)
			if err != nil {
				t.Fatal(err)
			}
			if err := encoder.Encode(recorded); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func (m maker) line(weighted bool) (*line, error) {
	config, err := json.Marshal(m.config(weighted))
	if err != nil {
		return nil, err
	}
	recorded := &line{Config: config}
	for number := 0; number < 10; number++ {
		headers := m.headers()
		times := 1
		if weighted {
			times = 150
		}
		outcomes := map[string]map[string]string{}
		for time := 0; time < times; time++ {
			tags, err := tags(config, headers)
			if err != nil {
				return nil, err
			}
			outcomes[fmt.Sprint(tags)] = tags
		}
		var names []string
		for name := range outcomes {
			names = append(names, name)
		}
		sort.Strings(names)
		asked := request{Headers: headers}
		for _, name := range names {
			asked.Tags = append(asked.Tags, outcomes[name])
		}
		recorded.Requests = append(recorded.Requests, asked)
	}
	return recorded, nil
}

func tags(config json.RawMessage, headers [][2]string) (map[string]string, error) {
	host, status := test.NewTestHost(config)
	defer host.Reset()
	if status != types.OnPluginStartStatusOK {
		return nil, fmt.Errorf("refused: %s", config)
	}
	host.CallOnHttpRequestHeaders(headers)
	tags := map[string]string{}
	for _, header := range host.GetRequestHeaders() {
		if header[0] == "x-mse-tag" || header[0] == "x-lane" {
			tags[header[0]] += header[1]
		}
	}
	return tags, nil
}

func (m maker) config(weighted bool) map[string]any {
	config := map[string]any{}
	var groups []any
	for number := m.Intn(4); number > 0; number-- {
		groups = append(groups, map[string]any{
			"headerName":  m.pick("x-mse-tag", "x-mse-tag", "x-lane"),
			"headerValue": m.pick("gray", "blue", "v2"),
			"logic":       m.pick("and", "or", "AND", "Or"),
			"conditions":  m.conditions(),
		})
	}
	if groups != nil {
		config["conditionGroups"] = groups
	}
	name := m.pick("x-mse-tag", "x-lane")
	if weighted {
		config["weightGroups"] = []any{
			map[string]any{"headerName": name, "headerValue": "gray", "weight": m.Intn(3) * 20},
			map[string]any{"headerName": name, "headerValue": "red", "weight": 20 + m.Intn(3)*20},
		}
	}
	if m.Intn(2) == 0 || len(config) == 0 {
		config["defaultTagKey"] = name
		config["defaultTagVal"] = "base"
	}
	return config
}

func (m maker) conditions() []any {
	conditions := []any{}
	for number := m.Intn(4); number > 0; number-- {
		kind := m.pick("header", "header", "Parameter", "cookie")
		key := m.pick("uid", "role")
		if kind == "header" {
			key = m.pick("role", "x-user", "User-Agent", ":authority")
		}
		operator := m.pick("equal", "not_equal", "prefix", "in", "not_in", "regex", "percentage")
		word := func() string { return m.pick("alice", "admin", "7", "shop.example", "bob", "a b") }
		value := []string{word()}
		switch operator {
		case "in", "not_in":
			value = append(value, word())
		case "prefix":
			value = []string{m.pick("a", "al", "shop", "Moz", "")}
		case "regex":
			value = []string{m.pick("^a", "l.c", "[0-9]+$", "Mobile|Tablet", "^$", "(?i)ADMIN", "\\.example")}
		case "percentage":
			value = []string{m.pick("0", "10", "50", "90", "100")}
		}
		conditions = append(conditions, map[string]any{
			"conditionType": kind, "key": key, "operator": operator, "value": value,
		})
	}
	return conditions
}

func (m maker) headers() [][2]string {
	word := func() string {
		return m.pick("alice", "admin", "7", "bob", "a b", fmt.Sprint("user-", m.Intn(1000)))
	}
	var query, cookies []string
	for _, key := range []string{"uid", "role"} {
		if m.Intn(2) == 0 {
			query = append(query, key+"="+strings.ReplaceAll(word(), " ", m.pick("+", "%20")))
		}
		if m.Intn(2) == 0 {
			cookies = append(cookies, key+"="+word())
		}
	}
	path := "/orders"
	if query != nil {
		path += "?" + strings.Join(query, "&")
	}
	headers := [][2]string{
		{":method", "GET"}, {":scheme", "https"}, {":authority", m.pick("shop.example", "alice")}, {":path", path},
	}
	if cookies != nil {
		headers = append(headers, [2]string{"cookie", strings.Join(cookies, "; ")})
	}
	for _, name := range []string{"role", "x-user"} {
		if m.Intn(2) == 0 {
			headers = append(headers, [2]string{name, word()})
		}
	}
	if m.Intn(2) == 0 {
		headers = append(headers, [2]string{"user-agent", m.pick("Mozilla/5.0 (Mobile)", "curl/8")})
	}
	if m.Intn(5) == 0 {
		headers = append(headers, [2]string{m.pick("x-mse-tag", "x-lane"), "own"})
	}
	return headers
}
