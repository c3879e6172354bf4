// SPDX-License-Identifier: Apache-2.0

// Package monitoring tests what the chart gives to Prometheus, Grafana and cert-manager
// by their own libraries: servers' metrics are read as Prometheus would read them while
// things go well and wrong, its engine evaluates the alerts and the dashboard's queries
// on that, and objects are held against the types that the operators publish.
//
// It reads the golden files of test/chart. It is a module of its own, because what it
// needs nothing else does.
//
//	make test-chart
package monitoring
