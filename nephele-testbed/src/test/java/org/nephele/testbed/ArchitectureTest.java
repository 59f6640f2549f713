package org.nephele.testbed;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The rules of docs/architecture.md that a compiler doesn't check. */
@AnalyzeClasses(
    packages = "org.nephele",
    importOptions = {ImportOption.DoNotIncludeTests.class})
class ArchitectureTest {
  @ArchTest
  static final ArchRule one_package_knows_libvirt =
      noClasses()
          .that()
          .resideOutsideOfPackage("org.nephele.server.libvirt")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.libvirt..", "com.sun.jna..");

  @ArchTest
  static final ArchRule one_package_knows_mina =
      noClasses()
          .that()
          .resideOutsideOfPackage("org.nephele.core.ssh")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("org.apache.sshd..");

  @ArchTest
  static final ArchRule core_prints_nothing =
      noClasses()
          .that()
          .resideInAPackage("org.nephele.core..")
          .should()
          .accessField(System.class, "out")
          .orShould()
          .accessField(System.class, "err")
          .orShould()
          .callMethod(Throwable.class, "printStackTrace");

  @ArchTest
  static final ArchRule core_stands_alone =
      noClasses()
          .that()
          .resideInAPackage("org.nephele.core..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "org.nephele.server..", "org.nephele.client..", "org.nephele.testbed..");

  @ArchTest
  static final ArchRule client_and_server_meet_only_in_core =
      noClasses()
          .that()
          .resideInAPackage("org.nephele.client..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.nephele.server..", "org.nephele.testbed..");

  @ArchTest
  static final ArchRule server_knows_no_client =
      noClasses()
          .that()
          .resideInAPackage("org.nephele.server..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.nephele.client..", "org.nephele.testbed..");

  @ArchTest
  static final ArchRule packages_of_core_have_no_cycles =
      slices().matching("org.nephele.core.(*)..").should().beFreeOfCycles();
}
