// Package fetch sends HTTP requests through the server, which traces them and decides where they may go.
package fetch

import (
	"errors"
	"fmt"
	"justiam/host"
)

const maxBody = 8 << 20

// Response is the answer to a request, whatever its status.
type Response struct {
	StatusCode int
	Body       string
	Headers    map[string]string
}

type request struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
}

type answer struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
}

// Get sends a GET request.
func Get(url string) (*Response, error) {
	return Do("GET", url, "", nil)
}

// Post sends a POST request with a body of the given type.
func Post(url, contentType, body string) (*Response, error) {
	return Do("POST", url, body, map[string]string{"Content-Type": contentType})
}

// Do sends any request. The error tells why there is no answer; a status of 400 or more is no error.
func Do(method, url, body string, headers map[string]string) (*Response, error) {
	if len(body) > maxBody {
		return nil, errors.New(fmt.Sprintf("fetch: the body has %d bytes; the limit is %d (8 MiB)", len(body), maxBody))
	}
	var got answer
	text, err := host.Exchange("fetch.do", request{Method: method, URL: url, Headers: headers}, body, &got)
	if err != nil {
		return nil, err
	}
	return &Response{StatusCode: got.Status, Body: text, Headers: got.Headers}, nil
}
