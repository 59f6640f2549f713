/**
 * Drives the test nodes ({@code ./testbed}) from Java, for integration tests and benchmarks: real
 * sshd, libvirtd and QEMU in namespaces of this machine. Never shipped.
 */
package org.nephele.testbed;
