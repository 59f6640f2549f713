/**
 * The node's libvirt: the only package that may import {@code org.libvirt}.
 *
 * <p>{@link org.nephele.server.libvirt.Hypervisor} is the connection, {@link
 * org.nephele.server.libvirt.Vm} one of our domains, {@link org.nephele.server.libvirt.DomainXml}
 * what is written and read of a domain's XML. {@link org.nephele.server.libvirt.Capture} and {@link
 * org.nephele.server.libvirt.Restore} take memory out of a VM and put it back through a unix
 * socket, {@link org.nephele.server.libvirt.Migration} is libvirt's half of a handoff.
 *
 * <p>Nothing here knows images, snapshots or peers. Everything that can go wrong is a {@link
 * org.nephele.core.protocol.NepheleException} with libvirt's own words in it.
 */
package org.nephele.server.libvirt;
