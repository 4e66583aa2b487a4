// go run client.go URL; proxy and roots by HTTPS_PROXY and SSL_CERT_FILE.
package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func main() {
	data := bytes.Repeat([]byte("outgate"), 500000)
	asked, err := http.NewRequest("PUT", os.Args[1]+"/sum", bytes.NewReader(data))
	check(err)
	said := strings.TrimSpace(string(read(http.DefaultClient.Do(asked))))
	if said != fmt.Sprintf("%d %x", len(data), sha256.Sum256(data)) {
		panic(said)
	}
	fmt.Printf("%x\n", sha256.Sum256(read(http.Get(os.Args[1]+"/bytes/5000000"))))
}

func read(answer *http.Response, err error) []byte {
	check(err)
	body, err := io.ReadAll(answer.Body)
	check(err)
	return body
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
