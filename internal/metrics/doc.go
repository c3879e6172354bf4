// SPDX-License-Identifier: Apache-2.0

// Package metrics is the table of all metrics, and the only place that knows
// Prometheus.
//
// Every label's values come from a closed set that is known when the program
// starts; what an application names (users, roles, tenants, objects) is never a
// label. So the series are made once, and counting is an atomic addition: no
// lock, no look-up, no allocation on the path of a check.
package metrics
