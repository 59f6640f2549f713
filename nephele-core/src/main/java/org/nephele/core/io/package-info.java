/**
 * Files that survive a crash, and socket channels as streams. Thread-safety is told at each class;
 * nothing here prints or logs.
 */
package org.nephele.core.io;
