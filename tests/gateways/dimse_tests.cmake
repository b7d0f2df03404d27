set(DIMSE_TEST_SOURCES
  arrivals_test.cpp child_owners_test.cpp dicom_listener_test.cpp dimse_port_test.cpp door_test.cpp tls_duty_test.cpp)
set(DIMSE_TEST_LINKS penstock_pack)
# The children are real ones.
cmake_language(DEFER CALL add_dependencies gateways_test penstock-dimse)
