/**
 * The agent's front door: unix sockets, and JSON-RPC 2.0 calls on them. Knows nothing of what the
 * calls do.
 */
package org.nephele.server.rpc;
