// Package cluster runs the reference server as a country would, on one machine: PostgreSQL, Redis, several instances and
// a load balancer that sends every request to another instance. Its tests take a part away while people log in, and look
// whether anything was lost or accepted twice.
//
//	make cluster   # log people in while each part is lost in turn, and count what fails
//	make chaos     # all faults, with more logins than make test has time for
package cluster
