package org.nephele.server.image;

import java.nio.file.Path;
import org.nephele.core.format.Machine;

/**
 * What was taken out of a paused VM.
 *
 * @param memory its RAM, sparse
 * @param deviceState all else that QEMU knows of it
 * @param domain XML from which a VM with the same devices is made
 */
public record Captured(Path memory, Path deviceState, String domain, Machine machine) {}
