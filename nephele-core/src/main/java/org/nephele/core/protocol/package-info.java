/**
 * What a client and an agent say to each other: JSON-RPC 2.0, one JSON object a line, on the
 * agent's unix socket. docs/protocol.md is the specification; {@link org.nephele.core.protocol.Api}
 * holds the parameters and results as records, {@link org.nephele.core.protocol.JsonLines} the
 * framing.
 *
 * <p>A connection carries one call at a time: the next request is read when the last one is
 * answered. A client that wants two things at once opens two channels, which costs nothing inside
 * one SSH session. {@code operation.watch} is the one call that stays open; its notifications come
 * before its result.
 *
 * <pre>
 *   client                                 agent
 *     | {"jsonrpc":"2.0","id":1,"method":"hello",...}
 *     |---------------------------------------&gt;|
 *     |&lt;---------------------------------------| result: versions, node, capabilities
 *     | {"id":2,"method":"image.build",...}    |
 *     |---------------------------------------&gt;| starts an operation, answers with its id
 *     |&lt;---------------------------------------| result: {"operation":"7f3a..."}
 *     | {"id":3,"method":"operation.watch",...}|
 *     |---------------------------------------&gt;|
 *     |&lt;---------------------------------------| notification operation.progress (any number)
 *     |&lt;---------------------------------------| result: the operation as it ended
 * </pre>
 *
 * <p>Nothing here opens a socket, prints or logs.
 */
package org.nephele.core.protocol;
