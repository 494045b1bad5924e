// A client made with dubbo-go that calls the Java provider, and prints a line of JSON for each call:
// {"name": …, "value": …} or {"name": …, "error": …}.
//
//	go-client HOST:PORT
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"dubbo.apache.org/dubbo-go/v3/client"
	_ "dubbo.apache.org/dubbo-go/v3/cluster/cluster/failover"
	_ "dubbo.apache.org/dubbo-go/v3/cluster/loadbalance/random"
	"dubbo.apache.org/dubbo-go/v3/common/constant"
	_ "dubbo.apache.org/dubbo-go/v3/filter/graceful_shutdown"
	_ "dubbo.apache.org/dubbo-go/v3/protocol/dubbo"
	_ "dubbo.apache.org/dubbo-go/v3/proxy/proxy_factory"
	hessian "github.com/apache/dubbo-go-hessian2"
)

const service = "dev.meshlane.e2e.api.RichService"

// Address is dev.meshlane.e2e.api.Address.
type Address struct {
	City   string
	Street string
	Zip    int32
}

// JavaClassName is the name on the wire.
func (Address) JavaClassName() string { return "dev.meshlane.e2e.api.Address" }

// Node is dev.meshlane.e2e.api.Node.
type Node struct {
	Label    string
	Next     *Node
	Self     *Node
	Children []*Node
}

// JavaClassName is the name on the wire.
func (*Node) JavaClassName() string { return "dev.meshlane.e2e.api.Node" }

// Person is dev.meshlane.e2e.api.Person, as far as Go has its types.
type Person struct {
	Name   string
	Age    int32
	Id     int64
	Vip    bool
	Birth  time.Time
	Score  float64
	Photo  []byte
	Home   *Address
	Others []*Address
	More   map[any]any
}

// JavaClassName is the name on the wire.
func (*Person) JavaClassName() string { return "dev.meshlane.e2e.api.Person" }

type suite struct {
	connection *client.Connection
}

// call makes one call and prints what became of it.
func (s *suite) call(name, method string, attachments map[string]any, result any, arguments ...any) {
	ctx := context.Background()
	if attachments != nil {
		ctx = context.WithValue(ctx, constant.AttachmentKey, attachments)
	}
	said := map[string]any{"name": name}
	if err := s.connection.CallUnary(ctx, arguments, result, method); err != nil {
		said["error"] = err.Error()
	} else {
		said["value"] = describe(result)
	}
	line, err := json.Marshal(said)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}

// describe writes a result down, the same each time.
func describe(result any) string {
	switch value := result.(type) {
	case *string:
		return *value
	case *int32:
		return fmt.Sprint(*value)
	case *int64:
		return fmt.Sprint(*value)
	case *[]byte:
		return fmt.Sprintf("%x", *value)
	case *any:
		return describeAny(*value)
	}
	return fmt.Sprintf("%T", result)
}

func describeAny(value any) string {
	switch value := value.(type) {
	case *Node:
		return fmt.Sprintf("Node %s, circle %t, %d children", value.Label, value.Self == value, len(value.Children))
	case *Person:
		return fmt.Sprintf("Person %s %d %v %v", value.Name, value.Age, value.Score, *value.Home)
	case map[any]any:
		return fmt.Sprint(value)
	}
	return fmt.Sprintf("%v", value)
}

func (s *suite) run() {
	var text string
	var number int32
	var long int64
	var bytes []byte
	var object any
	s.call("hello", "sayHello", nil, &text, "gopher 地鼠")
	s.call("emoji", "echoString", nil, &text, "emoji 😀 👨‍👩‍👧 𠮷")
	s.call("text-32768", "echoString", nil, &text, strings.Repeat("x", 32768)+"😀")
	s.call("int", "addInt", nil, &number, int32(-300000), int32(100000))
	s.call("long", "addLong", nil, &long, int64(-3000000000), int64(1)<<40)
	s.call("double", "addDouble", nil, &object, 1.5, 3.14159)
	s.call("bytes", "echoBytes", nil, &bytes, []byte{1, 2, 3})
	person := &Person{
		Name: "人", Age: 3, Id: 1 << 40, Birth: time.Unix(1700000000, 0), Score: 2.5, Photo: []byte{1},
		Home: &Address{City: "HZ", Zip: 1}, Others: []*Address{{City: "A"}, {City: "B"}}, More: map[any]any{"k": int32(1)},
	}
	s.call("person", "object", nil, &object, person)
	node := &Node{Label: "n"}
	node.Self = node
	node.Children = []*Node{node}
	s.call("circular", "circular", nil, &object, node)
	s.call("list", "object", nil, &object, []any{int32(1), "two", nil, 3.5, true})
	s.call("map", "object", nil, &object, map[string]any{"a": []string{"x", "y"}})
	s.call("strings", "strings", nil, &object, []string{"a", "b"})
	s.call("date", "date", nil, &object, time.UnixMilli(1700000000123).UTC())
	s.call("attachments", "attachments", map[string]any{"dubbo.tag": "gray", "x": "y"}, &text, "k")
	s.call("attachments-objects", "attachments", map[string]any{"n": int32(5), "list": []string{"a", "b"}}, &text, "k")
	s.call("exception", "fail", nil, &object, "错", int32(1))
	s.call("no-such-method", "nope", nil, &object, "x")
	s.call("nothing", "nothing", nil, &object)
}

func main() {
	hessian.RegisterPOJO(Address{})
	hessian.RegisterPOJO(&Node{})
	hessian.RegisterPOJO(&Person{})
	made, err := client.NewClient(
		client.WithClientURL("dubbo://"+os.Args[1]+"/"+service),
		client.WithClientProtocolDubbo(),
		client.WithClientSerialization("hessian2"),
		client.WithClientRequestTimeout(10*time.Second),
	)
	if err != nil {
		panic(err)
	}
	connection, err := made.Dial(service, client.WithProtocolDubbo())
	if err != nil {
		panic(err)
	}
	(&suite{connection}).run()
}
