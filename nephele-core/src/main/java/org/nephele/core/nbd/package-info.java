/** A small client of the network block device protocol, for servers on a private unix socket. */
package org.nephele.core.nbd;
