# ./dev install: programs side by side (assentd starts the assent-exec that is
# beside it), man pages, completion, the systemd unit and the role users.
get_property(programs GLOBAL PROPERTY ASSENT_PROGRAMS)
install(TARGETS ${programs} RUNTIME DESTINATION bin)
install(FILES $<TARGET_FILE_DIR:assent>/assent-shell DESTINATION bin)

install(FILES ${CMAKE_BINARY_DIR}/man/assent.1 DESTINATION share/man/man1)
install(FILES docs/man/assent.conf.5 docs/man/assent.rules.5
	DESTINATION share/man/man5)
install(FILES docs/man/assentd.8 DESTINATION share/man/man8)

# shell:file:folder
foreach(completion
	bash:assent:share/bash-completion/completions
	zsh:_assent:share/zsh/site-functions
	fish:assent.fish:share/fish/vendor_completions.d)
	string(REPLACE ":" ";" parts ${completion})
	list(GET parts 0 shell)
	list(GET parts 1 file)
	list(GET parts 2 folder)
	set(made ${CMAKE_BINARY_DIR}/completion/${shell}/${file})
	add_custom_command(OUTPUT ${made}
		COMMAND ${CMAKE_COMMAND} -E make_directory
			${CMAKE_BINARY_DIR}/completion/${shell}
		COMMAND assent-cli completion ${shell} > ${made}
		DEPENDS assent-cli VERBATIM)
	list(APPEND completions ${made})
	install(FILES ${made} DESTINATION ${folder})
endforeach()
add_custom_target(completion ALL DEPENDS ${completions})
# All that is installed, and nothing else.
add_custom_target(shipped DEPENDS ${programs} man completion)

install(FILES docs/assent.sysusers DESTINATION lib/sysusers.d
	RENAME assent.conf)
install(FILES README.md LICENSE DESTINATION share/doc/assent)
# What README.md and the pages lead to is where they lead.
install(DIRECTORY docs DESTINATION share/doc/assent
	PATTERN *.in EXCLUDE)
# The units name the programs where they were installed.
foreach(unit assentd assent-rules)
	install(CODE "
		file(READ ${CMAKE_SOURCE_DIR}/docs/${unit}.service text)
		string(REPLACE /usr/bin/assent
			\${CMAKE_INSTALL_PREFIX}/bin/assent text \"\${text}\")
		file(WRITE ${CMAKE_BINARY_DIR}/${unit}.service \"\${text}\")")
	install(FILES ${CMAKE_BINARY_DIR}/${unit}.service
		DESTINATION lib/systemd/system)
endforeach()
install(FILES docs/assent-rules.timer DESTINATION lib/systemd/system)
