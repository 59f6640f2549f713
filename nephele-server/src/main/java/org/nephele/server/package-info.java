/**
 * The agent of a node. {@link org.nephele.server.Main} is the daemon: it reads the {@link
 * org.nephele.server.Settings}, opens libvirt, sweeps what a crash left, and serves two sockets,
 * one for administrators ({@code rpc}) and one for other agents ({@code peer}).
 *
 * <p>What lives where: {@code image}, {@code snapshot}, {@code instance} and {@code handoff} hold a
 * command each, {@code store} the files under /var/nephele, {@code operation} work that outlives
 * its client, {@code libvirt} is the only package that knows libvirt.
 */
package org.nephele.server;
