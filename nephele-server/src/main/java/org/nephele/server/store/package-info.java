/**
 * The folders under /var/nephele, and the programs that work on disk images there ({@code
 * qemu-img}, {@code qemu-nbd}). Knows what lies where and who may reach it, not what it means.
 *
 * <pre>
 *   /var/nephele/                 0711
 *     images/NAME/                one folder an image, never changed once it is there
 *     snapshots/NAME.zip          one file a snapshot; .known/ lists those that lie elsewhere
 *     instances/UUID/             overlay, console log and record of a running instance
 *     tmp/                        work in progress: what is new until it is complete, what is
 *                                 removed until it is gone; emptied when the agent starts
 *     logs/  nephele.log
 * </pre>
 *
 * {@code images}, {@code instances} and {@code tmp} are for root and for QEMU's group, which must
 * reach disks in them; what is below needs no care of its own. All are on one mounted file system,
 * so that a rename makes or unmakes an image or an instance.
 */
package org.nephele.server.store;
