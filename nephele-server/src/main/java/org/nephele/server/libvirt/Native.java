package org.nephele.server.libvirt;

import com.sun.jna.Library;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import java.util.Map;
import org.libvirt.jna.ConnectionPointer;
import org.libvirt.jna.DomainPointer;

/** The calls of libvirt's C API that libvirt-java 0.5.4 lacks. */
interface Native extends Library {
  /** The same library and encoding as libvirt-java's; JNA opens it once. */
  static Native load() {
    return com.sun.jna.Native.load(
        "virt", Native.class, Map.of(Library.OPTION_STRING_ENCODING, "UTF-8"));
  }

  DomainPointer virDomainLookupByUUID(ConnectionPointer connection, byte[] uuid);

  int virDomainFree(DomainPointer domain);

  /** libvirt-java knows the state only, not the reason. */
  int virDomainGetState(
      DomainPointer domain, IntByReference state, IntByReference reason, int flags);

  /** To be freed by the caller. */
  Pointer virConnectGetDomainCapabilities(
      ConnectionPointer connection,
      String emulator,
      String arch,
      String machine,
      String virtType,
      int flags);

  /** Of the calling thread's last call. */
  String virGetLastErrorMessage();

  /** A {@code virErrorNumber} of the calling thread's last call. */
  int virGetLastErrorCode();
}
