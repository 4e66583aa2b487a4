// go run h2.go URL: net/http over HTTP/2, twenty at once.
package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	done := make(chan error)
	for i := 0; i < 20; i++ {
		go func() { done <- echo(os.Args[1]) }()
	}
	for i := 0; i < 20; i++ {
		if err := <-done; err != nil {
			panic(err)
		}
	}
	fmt.Println("ok")
}

func echo(url string) error {
	data := make([]byte, 300000)
	rand.Read(data)
	answer, err := http.Post(url, "application/octet-stream", bytes.NewReader(data))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	back, err := io.ReadAll(answer.Body)
	if err == nil && (answer.ProtoMajor != 2 || !bytes.Equal(back, data)) {
		err = fmt.Errorf("%s, %d bytes", answer.Proto, len(back))
	}
	return err
}
