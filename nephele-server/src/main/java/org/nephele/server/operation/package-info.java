/**
 * Work that takes long, and outlives the client that asked for it.
 *
 * <pre>
 *   start --&gt; running --+--&gt; done       the body returned a result
 *                       +--&gt; failed     the body threw
 *                       +--&gt; cancelled  somebody cancelled, and the body ended because of it
 * </pre>
 *
 * An operation has an id, a kind (the method that started it), a target for people, progress, and
 * in the end a result or an error. Bodies run on threads of their own and are never interrupted
 * (that would close whatever channel they read): they ask {@link
 * org.nephele.server.operation.Work#checkCancelled}, wait only through {@link
 * org.nephele.server.operation.Work#await}, and register with {@link
 * org.nephele.server.operation.Work#onCancel} what must be closed to wake them.
 */
package org.nephele.server.operation;
