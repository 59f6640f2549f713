package org.nephele.server.handoff;

import org.nephele.server.Settings;
import org.nephele.server.image.Images;
import org.nephele.server.instance.Instances;
import org.nephele.server.libvirt.Hypervisor;
import org.nephele.server.peer.PeerConnector;

/**
 * What every handoff of this node works with.
 *
 * @param node this node's name for itself
 */
record Context(
    Settings settings,
    Hypervisor hypervisor,
    Images images,
    Instances instances,
    Journals journals,
    PeerConnector connector,
    String node) {}
