// A plain admission server in Go: it decodes the whole typed Pod, as controller-runtime's handlers do, and builds its
// patch by hand. It does less than the service: a role's fixed variables, without any of the contract's rules.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
)

var client = []corev1.EnvVar{
	{Name: "RAY_ADDRESS", Value: "ray://seedcore-head-svc:10001"},
	{Name: "RAY_HOST", Value: "seedcore-head-svc"},
	{Name: "RAY_PORT", Value: "10001"},
	{Name: "RAY_SERVE_URL", Value: "http://seedcore-head-svc:8000"},
	{Name: "RAY_DASHBOARD_URL", Value: "http://seedcore-head-svc:8265"},
	{Name: "RAY_NAMESPACE", Value: "seedcore-dev"},
	{Name: "SEEDCORE_RAY_ROLE", Value: "client"},
}

type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

func operations(pod *corev1.Pod) []operation {
	var made []operation
	if _, asked := pod.Annotations["ray.seedcore.io/role"]; !asked {
		return nil
	}
	for index := range pod.Spec.Containers {
		declared := map[string]bool{}
		for _, entry := range pod.Spec.Containers[index].Env {
			declared[entry.Name] = true
		}
		path := fmt.Sprintf("/spec/containers/%d/env", index)
		if len(declared) == 0 {
			made = append(made, operation{"add", path, client})
			continue
		}
		for _, entry := range client {
			if !declared[entry.Name] {
				made = append(made, operation{"add", path + "/-", entry})
			}
		}
	}
	return made
}

func mutate(answer http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	var review admissionv1.AdmissionReview
	var pod corev1.Pod
	if err == nil {
		err = json.Unmarshal(body, &review)
	}
	if err == nil && review.Request.Object.Raw != nil {
		err = json.Unmarshal(review.Request.Object.Raw, &pod)
	}
	if err != nil {
		http.Error(answer, err.Error(), http.StatusBadRequest)
		return
	}
	response := &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true}
	if made := operations(&pod); len(made) > 0 {
		kind := admissionv1.PatchTypeJSONPatch
		response.PatchType = &kind
		response.Patch, _ = json.Marshal(made)
	}
	review.Request, review.Response = nil, response
	text, _ := json.Marshal(review)
	answer.Header().Set("Content-Type", "application/json")
	answer.Header().Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = answer.Write(text)
}

// Arguments: certificate, key. Prints the port that it listens on.
func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	http.HandleFunc("/mutate", mutate)
	log.Fatal(http.ServeTLS(listener, nil, os.Args[1], os.Args[2]))
}
